"""A plugin of pytest, for `make mutants`: coverage notes which test function runs a line, its fixtures with it."""

from __future__ import annotations

from collections.abc import Generator

import coverage
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Name the function for the time of its test; parameters make no difference."""
    measuring = coverage.Coverage.current()
    if measuring is not None:
        measuring.switch_context(item.nodeid.partition("[")[0])
    try:
        return (yield)
    finally:
        if measuring is not None:
            measuring.switch_context("")
