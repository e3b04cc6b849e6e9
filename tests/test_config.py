"""Settings: defaults, checks, and what is said when one is wrong."""

import pathlib
from dataclasses import MISSING, fields
from typing import Any

import pytest

import config
import setting_values
from ethpillar.gateway.options import GatewayOptions
from ethpillar.nodes.node import NodeOptions
from ethpillar.sessions import SessionStore
from ethpillar.ssh.login import LoginOptions
from ethpillar.web.options import WebOptions

GOOD = {"REDIS_URL": "redis://localhost:6379/0"}


def load(**values: str) -> config.Settings:
    return config.load({**GOOD, **values}, env_file=None)


def test_defaults() -> None:
    settings = load()
    assert settings.ws_port == 3001
    assert settings.frontend_url == ("http://localhost:3000",)
    assert settings.session_ttl == 10200
    assert settings.auth_timeout == 30


def test_port_stands_in_for_ws_port() -> None:
    assert load(PORT="8080").ws_port == 8080
    assert load(PORT="8080", WS_PORT="9090").ws_port == 9090


def test_no_proxy_is_trusted_when_none_is_the_word() -> None:
    assert len(load().trusted_proxies) == 2
    assert load(TRUSTED_PROXIES="none").trusted_proxies == ()


def test_proxies_that_contradict_each_other_are_refused() -> None:
    assert load(TRUSTED_HOPS="2").trusted_hops == 2
    assert load(TRUSTED_HOPS="1", CLIENT_ADDRESS_HEADER="Fly-Client-IP").client_address_header == "Fly-Client-IP"
    assert load(TRUSTED_PROXIES="10.0.0.0/8", CLIENT_ADDRESS_HEADER="X-Real-IP").client_address_header == "X-Real-IP"
    for bad in (
        {"TRUSTED_HOPS": "1", "TRUSTED_PROXIES": "10.0.0.0/8"},
        {"CLIENT_ADDRESS_HEADER": "X-Real-IP"},
        {"CLIENT_ADDRESS_HEADER": "X-Real-IP", "TRUSTED_PROXIES": "none"},
        {"CLIENT_ADDRESS_HEADER": "X Real IP", "TRUSTED_HOPS": "1"},
        {"TRUSTED_PROXIES": "0.0.0.0/0"},
        {"TRUSTED_PROXIES": "10.0.0.0/8, ::/0"},
    ):
        with pytest.raises(config.ConfigError):
            load(**bad)


def test_several_origins() -> None:
    assert load(FRONTEND_URL="https://A.example, http://b.example:8080/").frontend_url == (
        "https://a.example",
        "http://b.example:8080",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://x"),
        ("REDIS_URL", "redis://"),
        ("WS_PORT", "many"),
        ("WS_PORT", "70000"),
        ("FRONTEND_URL", "*"),
        ("FRONTEND_URL", ","),
        ("FRONTEND_URL", "https://a.example/path"),
        ("LOG_LEVEL", "loud"),
        ("SSH_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("AUTH_TIMEOUT", "nan"),
        ("SESSION_CHECK_INTERVAL", "60"),
        ("SESSION_KEY", "c2hvcnQ="),
    ],
)
def test_a_bad_setting_is_named_and_its_value_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        load(**{name: value})
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)
    if name == "REDIS_URL":
        assert value not in str(caught.value).replace("redis://, rediss:// or unix://", "")


def test_redis_url_is_required() -> None:
    with pytest.raises(config.ConfigError, match="REDIS_URL is not set"):
        config.load({}, env_file=None)


def test_dotenv_is_read_and_the_environment_wins(tmp_path: pathlib.Path) -> None:
    file = tmp_path / ".env"
    file.write_text("REDIS_URL=redis://from-file\nWS_PORT=4000\n")
    settings = config.load({"WS_PORT": "5000"}, env_file=file)
    assert (settings.redis_url, settings.ws_port) == ("redis://from-file", 5000)


def test_the_settings_never_print_their_values() -> None:
    assert "redis" not in repr(load())


def test_env_example_and_readme_are_what_the_settings_say() -> None:
    root = pathlib.Path(config.__file__).parent
    assert (root / ".env.example").read_text() == config.env_example()
    assert config.table() in (root / "README.md").read_text()


@pytest.mark.parametrize(
    "url",
    [
        *("redis://:s3cret@[h", "redis://u:s3cret\u2100x@h", "redis://:p@[s3cret]/0", "redis://:s3cret@h:99999"),
        *("redis://:pw@h:s3cret", "http://:s3cret@h", "redis://:s3cret@", "unix://:s3cret@"),
    ],
)
def test_a_bad_url_is_told_without_what_is_in_it(url: str) -> None:
    with pytest.raises(config.ConfigError) as problem:
        config.load({"REDIS_URL": url}, env_file=None)
    assert "s3cret" not in str(problem.value)
    assert "REDIS_URL" in str(problem.value)


@pytest.mark.parametrize(
    "url",
    [
        *("redis://h/0?socket_timeout=s3cret", "unix:///x?db=s3cret", "redis://h/0?s3cret=bar", "redis://h/s3cret"),
        *("redis://h/1/2", "redis://h/0?ssl_cert_reqs=none", "unix:///x?socket_keepalive=1", "redis://h/0#s3cret"),
        *("redis://h/0?host=s3cret", "redis://h/0?db=-1", "redis://h?max_connections=0", "rediss://h?ssl_cert_reqs=no"),
        *("redis://h?retry_on_error=s3cret", "redis://h?connection_class=s3cret", "redis://h?socket_timeout=nan"),
        *("rediss://h?ssl_cert_reqs=None", "redis://h?client_name=a+b"),
    ],
)
def test_what_would_be_found_out_at_the_first_connection_only(url: str) -> None:
    with pytest.raises(config.ConfigError, match=r"^REDIS_URL is invalid: it ") as problem:
        load(REDIS_URL=url)
    assert "s3cret" not in str(problem.value)
    assert "\n" not in str(problem.value)


EXAMPLES = {"protocol": "3", "ssl_cert_reqs": "none"}


@pytest.mark.parametrize("scheme", ["redis://h:6379/0", "rediss://h/", "unix:///run/redis.sock"])
def test_redis_py_takes_what_is_taken(scheme: str) -> None:
    """All options at once, with values of their kinds, in a pool such as the store's, up to the connection's object."""
    options = setting_values.REDIS_SCHEMES[scheme.partition(":")[0]]
    query = "&".join(f"{name}={EXAMPLES.get(name, '1')}" for name in options)
    url = load(REDIS_URL=f"{scheme}?{query}").redis_url
    store = SessionStore.from_url(url, 60)
    connection = store._redis.connection_pool.make_connection()
    assert connection.socket_timeout == 1.0
    for name in ("redis://h", "redis://u:p%23@h:1/15", "unix:///x?db=3&password=%3f"):
        assert load(REDIS_URL=name).redis_url == name


def test_a_level_may_be_called_warn() -> None:
    assert load(LOG_LEVEL="warn").log_level == load(LOG_LEVEL="WARNING").log_level == "warning"


def test_names_in_the_file_that_are_no_settings_are_told_with_what_may_be_meant(tmp_path: pathlib.Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SSH_KEEPALIV=5\nnode_linger=2\nNODE_ENV=production\nPORT=1\nWS_PORT=2\n")
    assert config.unknown_names(file) == [
        "SSH_KEEPALIV (is SSH_KEEPALIVE meant?)",
        "node_linger (is NODE_LINGER meant?)",
        "NODE_ENV",
    ]
    assert config.unknown_names(tmp_path / "none") == []


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    file = tmp_path / ".env"
    file.write_bytes(b"WS_PORT=1")
    monkeypatch.setattr("dotenv.dotenv_values", refuse)
    with pytest.raises(config.ConfigError, match=r"\.env can't be read: Permission denied$"):
        config.load(GOOD, env_file=file)


def test_a_file_that_is_no_text_is_one_line(tmp_path: pathlib.Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"WS_PORT=\xff\xfe")
    with pytest.raises(config.ConfigError, match=r"\.env can't be read: it is not UTF-8$"):
        config.load(GOOD, env_file=file)


@pytest.mark.parametrize("kind", [GatewayOptions, LoginOptions, NodeOptions, WebOptions])
def test_a_room_on_its_own_has_the_defaults_of_the_settings(kind: Any) -> None:
    """A field with a value of its own is a setting: one that is misspelt would never get the setting's value."""
    settings = load()
    plain = {each.name: each.default for each in fields(kind) if each.default is not MISSING}
    assert plain == {name: getattr(settings, name, f"no setting {name}") for name in plain}
