"""ethpillar: the real-time server behind the EthPillar dashboard.

Belongs here: wiring the rooms together, and nothing else. Nothing happens at import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask
    from flask_socketio import SocketIO

    from config import Settings

    from .server import Server
    from .web.origins import Origins

__all__ = ["__version__", "create_app"]

__version__ = "0.1.0"
"The one place where it stands. CHANGELOG.md says what came with it."


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application: HTTP, Socket.IO and the Flask commands.

    What belongs to the process and not to one application, such as its log, is set up by `wsgi.py`.

    :param settings: checked settings; read from the environment when left out
    :raises config.ConfigError: a setting is missing or invalid
    """
    from functools import partial

    from flask import Flask

    import config

    from . import top
    from .cli import add_commands
    from .metrics import CONTENT_TYPE, Metrics
    from .web.console import add_console
    from .web.dispatch import EngineIoDispatch
    from .web.metrics import Listener, add_metrics
    from .web.probes import add_routes

    app = Flask("ethpillar", static_folder=None)
    add_commands(app, __version__)
    settings = settings or config.load()
    server = _make_server(app, settings)
    app.wsgi_app = EngineIoDispatch(app.wsgi_app, server.web)  # type: ignore[method-assign]
    add_routes(app, server.store.ping, __version__)
    metrics = Metrics(server, __version__)
    if settings.metrics_token:
        add_metrics(app, metrics.text, CONTENT_TYPE, settings.metrics_token)
    if settings.metrics_bind:
        server.listeners["METRICS_BIND"] = Listener(settings.metrics_bind, "/metrics", metrics.text, CONTENT_TYPE)
    if settings.control_socket:
        say = partial(top.top, server, __version__)
        server.listeners["CONTROL_SOCKET"] = Listener(settings.control_socket, "/top", say, top.CONTENT_TYPE)
    if settings.console:
        add_console(app)
    app.extensions["ethpillar"] = server
    return app


def _make_server(app: Flask, settings: Settings) -> Server:
    from functools import partial

    from .gateway import log_lines, wire
    from .gateway.codec import OVERSIZED_PACKET
    from .gateway.events import Gateway
    from .gateway.options import GatewayOptions
    from .limits.address import Proxies
    from .limits.limits import Limits
    from .limits.refusals import Refusal, Refusals
    from .log_setup import say_refusal
    from .memory import ledger_of
    from .nodes.node import NodeOptions
    from .nodes.registry import NodeRegistry
    from .server import Server
    from .sessions import SessionStore, SessionWatch
    from .ssh.address import AddressPolicy
    from .ssh.login import LoginOptions
    from .turns import Slots
    from .web.options import WebOptions
    from .web.origins import Origins

    store = SessionStore.from_url(settings.redis_url, settings.session_ttl, settings.session_key)
    policy = AddressPolicy(settings.ssh_allowed_networks, settings.ssh_denied_networks)
    login_options = settings.select(LoginOptions, policy=policy, logins=Slots(settings.ssh_logins))
    encoders = {"lines": log_lines.encoder(), "encode_statuses": wire.encode_statuses}
    limits = settings.select(Limits, refusals=Refusals(say_refusal), ledger=ledger_of(settings.memory_budget))
    registry = NodeRegistry(store, login_options, settings.select(NodeOptions, **encoders, ledger=limits.ledger))
    origins = Origins(settings.frontend_url, settings.console, partial(limits.refusals.note, Refusal.ORIGIN))
    gateway = Gateway(_socketio(app, settings, origins), store, registry, limits, settings.select(GatewayOptions))
    every = settings.session_check_interval
    watch = SessionWatch(store, gateway.tokens, gateway.session_ended, every, gateway.session_renewed)
    proxies = Proxies(settings.trusted_proxies, settings.trusted_hops, settings.client_address_header)
    web = settings.select(WebOptions, origins=origins, proxies=proxies, oversized=OVERSIZED_PACKET)
    greeting = (
        f"ethpillar {__version__} on {settings.address} for {', '.join(settings.frontend_url)}, "
        f"{limits.ledger.budget >> 20} MiB, at most {settings.max_nodes} nodes and "
        f"{settings.max_connections_per_address} connections of a client, told apart by {proxies.names}"
    )
    return Server(gateway, registry, store, watch, limits, web, settings.shutdown_timeout, greeting)


def _socketio(app: Flask, settings: Settings, origins: Origins) -> SocketIO:
    from flask_socketio import SocketIO

    from .gateway.codec import Json, Packet
    from .log_setup import SILENT
    from .web.engine import (
        answer_without_details,
        never_wait_for_clients,
        serve_own_websockets,
        watch_what_is_sent,
    )

    socketio = SocketIO(
        app,
        async_mode="gevent",
        cors_allowed_origins=origins.allows,
        cors_credentials=True,
        ping_interval=10,
        ping_timeout=30,
        monitor_clients=False,  # `web.pings` does
        max_http_buffer_size=settings.max_message_bytes,
        http_compression=False,  # anybody could have the same kilobytes compressed again and again
        manage_session=False,
        json=Json,
        serializer=Packet,
        logger=SILENT,
        engineio_logger=SILENT,
    )
    never_wait_for_clients(socketio.server.eio)
    answer_without_details(socketio.server.eio)
    watch_what_is_sent(socketio.server.eio)
    serve_own_websockets(socketio.server.eio)
    return socketio
