"""For all tests: the monkey patch that production has, before anything else is imported, and an end."""

from gevent import monkey

monkey.patch_all()


import contextlib  # noqa: E402
import resource  # noqa: E402
from collections.abc import Generator  # noqa: E402

import gevent  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# Machines are noisy: how long generating an example takes says nothing about the code.
settings.register_profile("ethpillar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ethpillar")

# Some tests open thousands of sockets, in this process and in its children; the usual soft limit is 1024 files.
with contextlib.suppress(OSError, ValueError):
    _, _most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_most, _most))

DEADLINE = 300.0
"""Seconds after which a test, or what it is made of, is taken to hang. It fails then, where it waits, and the others go
on. One that doesn't wait but computes can't be failed: `faulthandler_timeout` ends the whole run later."""


def _ended() -> Generator[None, object, object]:
    with gevent.Timeout(DEADLINE, AssertionError(f"it did not end in {DEADLINE:g} s")):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    return (yield from _ended())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    return (yield from _ended())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    return (yield from _ended())
