"""A web server for one person at one machine.

It listens on the loopback address alone and answers GET and HEAD. A page of another site that has
the browser call this address under a name of its own (DNS rebinding) is turned away by the
``Host`` header.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from search_spaces import InputError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
NAMES = frozenset({HOST, "localhost"})
METHODS = ("GET", "HEAD")
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def serve(app: "WSGIApplication", port: int, ready: Callable[[str], None]) -> None:
    """Answer until the process is interrupted.

    Args:
        app: what to serve.
        port: see `listen`.
        ready: called with the address, once it answers.

    Raises:
        InputError: the port cannot be had.
    """
    with listen(app, port) as server:
        ready(f"http://{HOST}:{server.server_port}/")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def listen(app: "WSGIApplication", port: int) -> WSGIServer:
    """A server that has its port and is ready to serve.

    Args:
        app: what to serve.
        port: of the loopback address; 0 takes one that is free.

    Raises:
        InputError: the port cannot be had.
    """
    try:
        server = _Server((HOST, port), _Handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"Port {port} of {HOST} cannot be had: {reason}.",
            "Name another with --port; 0 takes one that is free.",
        ) from None
    server.set_app(guarded(app, server.server_port))
    return server


def guarded(app: "WSGIApplication", port: int) -> "WSGIApplication":
    """The application behind the rules of this module."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401 - as WSGI has it
            return start(status, [*headers, *HEADERS], *rest)

        if environ.get("HTTP_HOST", "").lower().removesuffix(f":{port}") not in NAMES:
            return respond(begin, "421 Misdirected Request", b"This is no name of this server.\n")
        if environ["REQUEST_METHOD"] not in METHODS:
            allow = ("Allow", ", ".join(METHODS))
            return respond(begin, "405 Method Not Allowed", b"This server only shows.\n", allow)
        whole = app(environ, begin)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else whole

    return answer


def respond(
    start: "StartResponse", status: str, body: bytes, *headers: tuple[str, str]
) -> list[bytes]:
    """A short answer: plain text unless a header says otherwise."""
    named = {name for name, _ in headers}
    kind = [] if "Content-Type" in named else [("Content-Type", "text/plain; charset=utf-8")]
    start(status, [*kind, ("Content-Length", str(len(body))), *headers])
    return [body]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 32


class _Handler(WSGIRequestHandler):
    timeout: ClassVar[float] = 30.0  # of a browser that connects and says nothing

    def log_message(self, *_args: object) -> None:
        """Say nothing: standard error is for people."""
