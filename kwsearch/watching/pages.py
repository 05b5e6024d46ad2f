"""The addresses of a live page: ``/`` is the page, ``/state`` what is new."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kwsearch.watching.live import Live
from kwsearch.watching.server import respond
from reports.page import live_policy

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_FRESH = ("Cache-Control", "no-store")


def pages(live: Live) -> "WSGIApplication":
    """The application that shows ``live``."""

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/":
                kind = ("Content-Type", "text/html; charset=utf-8")
                policy = f"{live_policy()}; frame-ancestors 'none'"
                header = ("Content-Security-Policy", policy)
                return respond(start, "200 OK", live.page().encode(), kind, header, _FRESH)
            case "/state":
                state = live.state()
                tag = ("ETag", state.tag)
                if environ.get("HTTP_IF_NONE_MATCH") == state.tag:
                    return respond(start, "304 Not Modified", b"", tag, _FRESH)
                kind = ("Content-Type", "application/json")
                return respond(start, "200 OK", state.body.encode(), kind, tag, _FRESH)
            case _:
                return respond(start, "404 Not Found", b"There is nothing here.\n")

    return answer
