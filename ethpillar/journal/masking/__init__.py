"""An extract that is safe to hand on.

Belongs here: what in a log line tells who or where a staker is, and the stable names that take its place. It does no
I/O. It errs on the side of hiding: a word too many is a nuisance, a key that leaves is a loss.
"""

from .masker import Masker

__all__ = ["Masker"]
