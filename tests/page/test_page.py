"""What the page shows in the end, for each trouble. They are played side by side, since nearly all of it is waiting."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from ..console.chromium import Chromium
from .play import play
from .stage import Site
from .troubles import TROUBLES, Trouble

SHORT = [trouble for trouble in TROUBLES if not trouble.slow]
AT_ONCE = 6


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    folder: Path = tmp_path_factory.mktemp("page")
    site, chromium = Site(folder / "site"), Chromium(folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {each.name: pool.submit(play, each, folder / each.name, site, chromium) for each in SHORT}
        pool.shutdown(cancel_futures=True)
    chromium.close()
    site.close()


@pytest.mark.parametrize("trouble", SHORT, ids=lambda trouble: trouble.name)
def test_what_the_page_shows_in_the_end(played: dict[str, Future[None]], trouble: Trouble) -> None:
    played[trouble.name].result(240)
