"""A simulated node: `journalctl`, `systemctl` and `sudo` that behave like a real node's, warts and all.

Its state is a directory. `install` puts the commands into `<state>/bin`; `SimNode` writes what they show. An
SSH server that runs commands with that directory first in PATH (a real sshd, `demo.ssh_server`) makes it a node.
Standard library only. `commands` is what runs on the node; it must not import anything from outside itself.
"""

from .install import install
from .simnode import SimNode

__all__ = ["SimNode", "install"]
