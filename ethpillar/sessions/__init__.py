"""Sessions: which token may watch which node.

Belongs here: the session record and its checks, the Redis store it lives in, and the watch that tells when one is
gone. It must not know what a socket or an SSH connection is: it hands out records and calls back with tokens.
"""

from .record import SessionRecord, parse_record, token_hash, valid_token
from .store import SessionStore
from .watch import SessionWatch

__all__ = ["SessionRecord", "SessionStore", "SessionWatch", "parse_record", "token_hash", "valid_token"]
