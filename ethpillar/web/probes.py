"""Flask's routes: probes, and errors that say nothing."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException

from ..errors import SessionStoreDown, whereabouts
from .headers import HEADERS


def add_routes(app: Flask, ping: Callable[[], None], version: str) -> None:
    """Add the probes of a load balancer, and the answer to everything else.

    :param ping: raises `SessionStoreDown` when Redis does not answer
    :param version: of the server, which `/healthz` says
    """
    probes = Blueprint("probes", __name__)

    @probes.get("/healthz")
    def healthz() -> Response:
        """Answer that the process is alive."""
        return _text(f"ok {version}\n", 200)

    @probes.get("/readyz")
    def readyz() -> Response:
        """Redis answers, so that sessions can be validated."""
        try:
            ping()
        except SessionStoreDown:
            return _text("redis does not answer\n", 503)
        return _text("ok\n", 200)

    app.register_blueprint(probes)
    _add_errors(app)


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def refused(problem: HTTPException) -> Response:
        answer = _text(f"{problem.name}\n", problem.code or 500)
        allow = problem.get_response().headers.get("Allow")
        if allow:
            answer.headers["Allow"] = allow
        return answer

    @app.errorhandler(Exception)
    def failed(problem: Exception) -> Response:
        app.logger.error("A request failed (%s)", whereabouts(problem))
        return _text("Internal Server Error\n", 500)

    @app.after_request
    def harden(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _text(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
