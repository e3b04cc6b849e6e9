#!/bin/sh
# Installs the real parts that the tests use, where that is possible, and says what it can't. The tests that need a
# missing part skip and say why; in CI they fail.
set -u
cd "$(dirname "$0")/.." || exit 1

say() { echo "install-parts: $*"; }

packages=""
command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ] || packages="$packages openssh-server"
command -v ssh-keygen >/dev/null 2>&1 || packages="$packages openssh-client"
command -v redis-server >/dev/null 2>&1 || packages="$packages redis-server"
command -v node >/dev/null 2>&1 || packages="$packages nodejs"
command -v npm >/dev/null 2>&1 || packages="$packages npm"
command -v unshare >/dev/null 2>&1 || packages="$packages util-linux"
for shell in fish tcsh zsh; do
    command -v "$shell" >/dev/null 2>&1 || packages="$packages $shell"
done
if [ -n "$packages" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing$packages"
        # shellcheck disable=SC2086
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } \
            >/tmp/ethpillar-apt.log 2>&1 || { say "apt-get failed:"; tail -5 /tmp/ethpillar-apt.log; }
    else
        say "not here, and only root can install them:$packages"
    fi
fi
if command -v npm >/dev/null 2>&1; then
    [ -d tests/js/node_modules/socket.io-client ] || {
        say "npm ci in tests/js"
        (cd tests/js && npm ci --no-audit --no-fund --silent) || say "npm ci failed; tests with the JavaScript client will not run"
    }
fi
exit 0
