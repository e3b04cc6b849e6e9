"""Redis as people have it: users that may do little, proxies that know little, TLS with a CA of one's own."""

from __future__ import annotations

import re
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as redis_py

from ethpillar.errors import SessionStoreDown
from ethpillar.sessions import SessionStore
from ethpillar.sessions.redis_link import RedisRefuses
from ethpillar.sessions.rights import NEEDED, OPTIONAL

from ..programs import need
from ..waiting import until
from .conftest import World
from .local import LocalServer
from .parts import ROOT, RedisServer
from .refusing import RefusingProxy
from .test_cli import flask

RECORD = {"host": "node.example", "username": "staker", "password": "x", "port": 22}
LINE = re.search(r"^ACL (SETUSER .+)$", (ROOT / "docs" / "deploying.md").read_text(), re.MULTILINE)


def acl_url(redis: RedisServer, *changes: str) -> str:
    """Make the user that docs/deploying.md says is enough, with these changes."""
    assert LINE is not None
    user = f"user{uuid.uuid4().hex[:8]}"
    words = LINE[1].replace("ethpillar on", f"{user} on").replace("PASSWORD", "secret").split()
    with redis_py.Redis.from_url(redis.url) as admin:
        admin.execute_command("ACL", *words, *changes)
    return redis.url.replace("redis://", f"redis://{user}:secret@")


def use(store: SessionStore) -> None:
    """Everything that the server and the command line ask of Redis."""
    token = str(uuid.uuid4())
    store.ping()
    store.create(token, dict(RECORD))
    record = store.renew(token)
    assert record is not None
    assert store.gone([token, str(uuid.uuid4())]) != {token}
    assert store.pin_host_key("node.example", 22, "ssh-ed25519 SHA256:x") == "ssh-ed25519 SHA256:x"
    assert store.host_key("node.example", 22)
    assert store.forget_host_key("node.example", 22)
    store.refuse(record, "ssh_auth_failed")
    assert store.refused(record) == "ssh_auth_failed"
    assert token in {each.token for each, _ in store.sessions()}
    assert store.ttl(token) > 0
    assert store.revoke(token)
    assert store.read(token) is None


@pytest.fixture(scope="module", params=["valkey", "redis-server"])
def some_redis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = need("redis-server") if request.param == "redis-server" else None
    made = RedisServer(tmp_path_factory.mktemp(request.param), program=program)
    yield made
    made.stop()


def test_the_acl_line_of_the_documents_is_enough(some_redis: RedisServer) -> None:
    store = SessionStore.from_url(acl_url(some_redis), 60)
    use(store)
    assert store.refusals() == {}
    store.close()


@pytest.mark.parametrize("command", [*NEEDED, *OPTIONAL])
def test_a_command_that_a_user_may_not_run_is_named(some_redis: RedisServer, command: str) -> None:
    store = SessionStore.from_url(acl_url(some_redis, f"-{command.lower()}"), 60)
    with redis_py.Redis.from_url(some_redis.url) as admin:
        before = admin.keys("*")
        assert command in store.refusals()
        assert {key for key in admin.keys("*") if b"probe" not in key} <= set(before)
    store.close()


def test_a_user_without_the_keys_of_this_server(some_redis: RedisServer) -> None:
    store = SessionStore.from_url(acl_url(some_redis, "resetkeys", "~ssh_session:*"), 60)
    assert {"GET", "EVAL", "SET"} <= set(store.refusals())
    with pytest.raises(RedisRefuses) as caught:
        store.pin_host_key("node.example", 22, "x")
    assert "EVAL" in caught.value.refusal
    store.close()


def test_a_wrong_password_is_told_as_one(some_redis: RedisServer) -> None:
    store = SessionStore.from_url(acl_url(some_redis).replace("secret", "wrong"), 60)
    with pytest.raises(RedisRefuses) as caught:
        store.refusals()
    assert caught.value.refusal == "the user name or password of REDIS_URL"
    store.close()


def test_a_proxy_that_knows_neither_hello_nor_client_nor_role(redis: RedisServer) -> None:
    proxy = RefusingProxy(redis.port, ["HELLO", "CLIENT", "ROLE"])
    store = SessionStore.from_url(proxy.url, 60)
    use(store)
    assert store.refusals() == {"ROLE": OPTIONAL["ROLE"]}
    assert not {"HELLO", "CLIENT"} & proxy.asked
    store.close()
    proxy.close()


def test_a_proxy_that_refuses_eval(world: World, local: LocalServer) -> None:
    proxy = RefusingProxy(world.redis.port, ["EVAL"])
    done = flask(world, "sessions", "check", world.session(), REDIS_URL=proxy.url)
    assert done.returncode == 1
    assert "✗ Redis: answers, and refuses EVAL\n" in done.stdout
    assert f"without EVAL {NEEDED['EVAL']}" in done.stdout
    store = SessionStore.from_url(proxy.url, 60)
    with pytest.raises(RedisRefuses) as caught:
        store.renew(world.session())
    assert caught.value.refusal == "EVAL, which it does not know"
    assert caught.value.payload() == SessionStoreDown().payload()  # browsers hear nothing about Redis
    store.close()
    proxy.close()


def out_of_memory(admin: redis_py.Redis, folder: Path) -> None:
    admin.config_set("maxmemory", 1)


def without_master(admin: redis_py.Redis, folder: Path) -> None:
    admin.replicaof("127.0.0.1", "1")


def without_disk(admin: redis_py.Redis, folder: Path) -> None:
    shutil.rmtree(folder)
    admin.config_set("save", "1 1")
    admin.set("something", "1")
    until(lambda: admin.info()["rdb_last_bgsave_status"] == "err", "a save that failed")


STATES = [
    ("out of memory", [], out_of_memory, "as its memory is full", "maxmemory"),
    ("a replica", [], without_master, "as it is a replica", "master"),
    ("a cluster", ["--cluster-enabled", "yes"], lambda *_: None, "as it is a cluster", "cluster"),
    ("no disk", [], without_disk, "as it can't save to its disk", "disk"),
]


@pytest.mark.parametrize(
    ("options", "breaks", "why", "cure"), [case[1:] for case in STATES], ids=[c[0] for c in STATES]
)
def test_a_redis_that_does_little_is_told_as_what_it_is(
    world: World,
    tmp_path: Path,
    options: list[str],
    breaks: Callable[[redis_py.Redis, Path], None],
    why: str,
    cure: str,
) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()
    redis = RedisServer(folder, *options)
    try:
        admin = redis_py.Redis.from_url(redis.url)
        breaks(admin, folder)
        store = SessionStore.from_url(redis.url, 60)
        with pytest.raises(RedisRefuses) as caught:
            use(store)
        assert why in caught.value.refusal
        assert caught.value.payload() == SessionStoreDown().payload()
        store.close()
        done = flask(world, "sessions", "check", "any-token", REDIS_URL=redis.url)
        assert done.returncode == 1
        assert "✗ Redis: refuses " in done.stdout
        assert why in done.stdout
        assert cure in done.stdout
        found = flask(world, "doctor", REDIS_URL=redis.url).stdout
        assert "does not answer" not in found
        assert cure in found
        admin.close()
    finally:
        redis.stop()


def test_the_doctor_of_a_user_who_may_just_enough(world: World) -> None:
    found = flask(world, "doctor", REDIS_URL=acl_url(world.redis)).stdout
    assert "✓ Rights in Redis: all it needs" in found
    assert "stopped answering" not in found
    proxy = RefusingProxy(world.redis.port, ["HELLO", "CLIENT", "ROLE", "INFO", "TIME"])
    found = flask(world, "doctor", REDIS_URL=proxy.url).stdout
    assert "✓ Rights in Redis: all it needs" in found
    assert not {"HELLO", "CLIENT"} & proxy.asked
    proxy.close()


def test_tls_with_a_ca_of_one_s_own(tmp_path: Path) -> None:
    openssl = need("openssl")

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=tmp_path, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        run("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    run("req", *key, "-keyout", "redis.key", "-out", "redis.csr", "-subj", "/CN=localhost")
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    run("x509", "-req", "-in", "redis.csr", "-out", "redis.pem", *signing)
    program = need("redis-server")
    certificates = ("--tls-cert-file", "redis.pem", "--tls-key-file", "redis.key", "--tls-ca-cert-file", "ca.pem")
    files = [str(tmp_path / word) if "." in word else word for word in certificates]
    redis = RedisServer(tmp_path, *files, "--tls-auth-clients", "no", program=program, tls=True)
    try:
        store = SessionStore.from_url(f"rediss://localhost:{redis.port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}", 60)
        use(store)
        assert store.refusals() == {}
        store.close()
        for query in (f"?ssl_ca_certs={tmp_path / 'other.pem'}", ""):
            stranger = SessionStore.from_url(f"rediss://localhost:{redis.port}/0{query}", 60)
            with pytest.raises(SessionStoreDown):
                stranger.ping()
            stranger.close()
        # Heroku signs its Redis itself, and its name is none of the certificate's; what deploy/heroku says to set.
        with redis_py.Redis.from_url(f"rediss://localhost:{redis.port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}") as admin:
            admin.config_set("requirepass", "secret")
        heroku = SessionStore.from_url(f"rediss://:secret@127.0.0.1:{redis.port}?ssl_cert_reqs=none", 60)
        use(heroku)
        heroku.close()
    finally:
        redis.stop()
