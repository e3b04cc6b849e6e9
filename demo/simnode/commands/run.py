"""The start of every command: notes the call, and becomes the command.

Called as `main()` with `sys.argv` being ["-c", STATE, NAME, arguments...].
"""

from __future__ import annotations

# Not `signal`, which imports enum, which takes longer than the whole command.
import _signal as signal  # type: ignore[import-not-found]
import os
import sys
import time
from _json import encode_basestring_ascii

from . import store


def main() -> None:
    """Runs the command named on the command line and exits with its status."""
    # As for a C program: a closed pipe, a hang-up and Ctrl-C end it at once and without a word.
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    state, name, *arguments = sys.argv[1:]
    rights = store.UNDER_SUDO in os.environ
    note(state, [name, *arguments], rights)
    document = store.load(state)
    if name == "journalctl":
        from . import journalctl

        status = journalctl.run(state, document, arguments, rights)
    elif name == "systemctl":
        from . import systemctl

        status = systemctl.run(state, document, arguments)
    elif name == "systemd-id128":
        print(document["boot"]["id"])
        status = 0
    else:
        from . import sudo

        status = sudo.run(state, document, arguments)
    sys.stdout.flush()
    # Without the interpreter's tidying up, which takes longer than some commands.
    os._exit(status)


def note(state: str, argv: list[str], rights: bool) -> None:
    """Adds a call to the list of calls, in one write, so that lines of several processes don't mix."""
    words = ", ".join(encode_basestring_ascii(word) for word in argv)
    line = f'{{"argv": [{words}], "pid": {os.getpid()}, "sudo": {str(rights).lower()}, "t": {time.time()!r}}}\n'
    handle = os.open(os.path.join(state, store.CALLS), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
