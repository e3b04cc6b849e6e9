"""The two laws of the frontend for error sentences, see ethpillar/errors.py."""

import inspect
import re

import pytest

from ethpillar import errors
from ethpillar.errors import (
    EthPillarError,
    LogElsewhere,
    LogUnavailable,
    NotAuthenticated,
    PermissionDenied,
    TooManyLogs,
    UnitNotFound,
    whereabouts,
)
from ethpillar.units import KNOWN_UNITS

NAMING = (UnitNotFound, PermissionDenied, LogElsewhere, LogUnavailable, TooManyLogs)
KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, EthPillarError) and kind is not EthPillarError and kind not in NAMING
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_sentence_makes_the_frontend_log_in_again_or_takes_a_service_s_name(kind: type[EthPillarError]) -> None:
    message = kind().payload()["message"].lower()
    assert ("auth" in message) == (kind is NotAuthenticated)
    for service in KNOWN_UNITS:
        assert service not in message


@pytest.mark.parametrize("kind", NAMING)
def test_an_error_about_a_service_names_it(kind: type[UnitNotFound]) -> None:
    payload = kind("mevboost").payload()
    assert "mevboost" in payload["message"]
    assert payload["service"] == "mevboost"
    assert payload["code"] == kind.code


@pytest.mark.parametrize("kind", NAMING)
def test_a_service_called_auth_is_not_named_in_the_sentence(kind: type[UnitNotFound]) -> None:
    payload = kind("OAuth2-proxy").payload()
    assert "auth" not in payload["message"].lower()
    assert payload["service"] == "OAuth2-proxy"


def test_codes_are_words_and_the_base_cannot_be_raised() -> None:
    assert all(kind.code.replace("_", "").isalpha() or "2" in kind.code for kind in KINDS)
    with pytest.raises(TypeError):
        EthPillarError()


def test_a_log_line_says_where_an_error_came_from_and_nothing_of_what_it_says() -> None:
    with pytest.raises(TypeError) as caught:
        EthPillarError("hunter2")
    assert re.fullmatch(r"TypeError at ethpillar\.errors:\d+", whereabouts(caught.value))
    with pytest.raises(KeyError) as other:
        {}["hunter2"]
    assert whereabouts(other.value) == "KeyError"
