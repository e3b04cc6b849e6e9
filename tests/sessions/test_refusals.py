"""What Redis says when it does not do as it is asked, and what an operator is told."""

from __future__ import annotations

import pytest
import redis
from redis._parsers.base import BaseParser

from ethpillar.sessions.redis_link import refusal_of

REFUSALS = [
    ("OOM command not allowed when used memory > 'maxmemory'.", "EVAL, as its memory is full"),
    (
        "ERR Error running script (call to f_1): @user_script:5: -OOM command not allowed when used memory",
        "EVAL, as its memory is full",
    ),
    (
        "READONLY You can't write against a read only replica. script: ab, on @user_script:4.",
        "EVAL, as it is a replica, which takes no writes",
    ),
    ("MISCONF Redis is configured to save RDB snapshots, but it's unable to.", "EVAL, as it can't save to its disk"),
    ("LOADING Redis is loading the dataset in memory", "EVAL, as it is still reading its data"),
    ("MASTERDOWN Link with MASTER is down", "EVAL, as it is a replica without its master"),
    ("NOREPLICAS Not enough good replicas to write.", "EVAL, as too few replicas are connected"),
    ("BUSY Redis is busy running a script.", "EVAL, as a script of somebody's runs without end"),
    ("MOVED 1234 10.0.0.1:6379", "EVAL, as it is a cluster"),
    ("CLUSTERDOWN Hash slot not served", "EVAL, as it is a cluster"),
    ("CROSSSLOT Keys in request don't hash to the same slot", "EVAL, as it is a cluster"),
    ("DENIED Redis is running in protected mode", "connections from other machines (protected mode)"),
    ("ERR max number of clients reached", "further connections"),
    ("ERR DB index is out of range", "the database that REDIS_URL names"),
    ("ERR SELECT is not allowed in cluster mode", "the database that REDIS_URL names"),
    ("NOAUTH Authentication required.", "the user name or password of REDIS_URL"),
    ("WRONGPASS invalid username-password pair or user is disabled.", "the user name or password of REDIS_URL"),
    ("ERR wrong number of arguments for 'auth' command", "the user name or password of REDIS_URL"),
]
OF_COMMANDS = [
    ("NOPERM User x has no permissions to run the 'eval' command", "EVAL, or the keys that it is for, to this user"),
    (
        "NOPERM No permissions to access a key",
        "EVAL, or the keys that it is for, to this user",
    ),
    ("ERR unknown command 'EVAL', with args beginning with: 'secret'", "EVAL, which it does not know"),
    ("ERR unsupported command 'eval'", "EVAL, which it does not know"),
    ("ERR Command is not available: 'EVAL'", "EVAL, for another reason"),
    ("WRONGTYPE Operation against a key holding the wrong kind of value", "EVAL, for another reason"),
    ("secret-token: no such thing", "EVAL, for another reason"),
]


@pytest.mark.parametrize(("said", "told"), REFUSALS)
def test_what_the_state_of_redis_refuses(said: str, told: str) -> None:
    refuses = refusal_of(BaseParser.parse_error(said), "EVAL")
    assert refuses is not None
    assert (refuses.refusal, refuses.of_command) == (told, False)
    assert refuses.cure
    assert "10.0.0.1" not in refuses.refusal + refuses.cure


@pytest.mark.parametrize(("said", "told"), OF_COMMANDS)
def test_a_command_that_is_refused(said: str, told: str) -> None:
    refuses = refusal_of(BaseParser.parse_error(said), "EVAL")
    assert refuses is not None
    assert (refuses.refusal, refuses.of_command) == (told, True)
    assert "secret" not in refuses.refusal + refuses.cure


@pytest.mark.parametrize("problem", [redis.ConnectionError("redis.internal"), redis.TimeoutError(), OSError(5, "x")])
def test_no_answer_is_no_refusal(problem: Exception) -> None:
    assert refusal_of(problem, "EVAL") is None
