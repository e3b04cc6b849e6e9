"""ethpillar: the real-time server behind the EthPillar dashboard.

Belongs here: wiring the rooms together, and nothing else. Nothing happens at import.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from config import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Flask:
    """The application: HTTP, Socket.IO and the Flask commands.

    :param settings: checked settings; read from the environment when left out
    :raises config.ConfigError: a setting is missing or invalid
    """
    from flask import Flask

    import config

    from .cli import add_commands
    from .log_setup import set_up

    settings = settings or config.load()
    set_up(settings.log_level)
    app = Flask("ethpillar", static_folder=None)
    add_commands(app)
    _add_server(app, settings)
    return app


def _add_server(app: Flask, settings: Settings) -> None:
    from flask_socketio import SocketIO
    from gevent.lock import BoundedSemaphore

    from .gateway import wire
    from .gateway.codec import Json, Packet
    from .gateway.events import Gateway
    from .limits.limits import Limits
    from .log_setup import SILENT
    from .nodes.node import NodeOptions
    from .nodes.registry import NodeRegistry
    from .server import Server
    from .sessions import SessionStore, SessionWatch
    from .ssh.address import AddressPolicy
    from .ssh.login import LoginOptions
    from .units import CORE_UNITS
    from .web.dispatch import EngineIoDispatch
    from .web.engine import answer_without_details, never_wait_for_clients, take_every_packet_of_a_body
    from .web.probes import add_routes

    store = SessionStore.from_url(settings.redis_url, settings.session_ttl, settings.session_key)
    login_options = LoginOptions(
        policy=AddressPolicy(settings.ssh_allowed_networks, settings.ssh_denied_networks),
        connect_timeout=settings.ssh_connect_timeout,
        login_timeout=settings.ssh_login_timeout,
        keepalive=settings.ssh_keepalive,
        dead_after=settings.ssh_dead_after,
        max_channels=settings.ssh_max_sessions,
        logins=BoundedSemaphore(settings.ssh_logins),
    )
    node_options = NodeOptions(
        encode_line=wire.encode_line,
        encode_statuses=partial(wire.encode_statuses, core=CORE_UNITS),
        ring_entries=settings.ring_entries,
        ring_bytes=settings.ring_bytes,
        max_connections=settings.ssh_max_connections,
        command_timeout=settings.ssh_command_timeout,
        status_timeout=settings.status_timeout,
        give_up=settings.ssh_give_up,
    )
    registry = NodeRegistry(store, login_options, node_options, settings.node_linger, settings.max_nodes)
    socketio = SocketIO(
        app,
        async_mode="gevent",
        cors_allowed_origins=list(settings.frontend_url),
        cors_credentials=True,
        ping_interval=10,
        ping_timeout=30,
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
    take_every_packet_of_a_body()
    limits = Limits(
        trusted_proxies=settings.trusted_proxies,
        connections_per_address=settings.max_connections_per_address,
        bad_tokens_per_address=settings.max_bad_tokens_per_address,
        bad_tokens=settings.max_bad_tokens,
        sockets_per_session=settings.max_sockets_per_session,
        logs_per_socket=settings.max_logs_per_socket,
        events_per_second=settings.max_events_per_second,
        events_burst=settings.max_events_burst,
        request_timeout=settings.request_timeout,
    )
    gateway = Gateway(socketio, store, registry, limits, settings.auth_timeout)
    watch = SessionWatch(store, gateway.tokens, gateway.session_ended, settings.session_check_interval)
    app.wsgi_app = EngineIoDispatch(app.wsgi_app, settings.max_message_bytes)  # type: ignore[method-assign]
    add_routes(app, store.ping)
    app.extensions["ethpillar"] = Server(gateway, registry, store, watch, limits, settings.shutdown_timeout)
