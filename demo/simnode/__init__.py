"""A simulated node: `journalctl`, `systemctl` and `sudo` that behave like a real node's, warts and all.

Its state is a directory. `install` puts the commands into `<state>/bin`; `SimNode` writes what they show. Whoever
runs commands with that directory first in PATH (a real sshd, `demo.ssh_server`) has the node.
Standard library only. `commands` is what runs on the node; it must not import anything from outside itself.
"""

from .install import install
from .simnode import SimNode

__all__ = ["SimNode", "install"]
