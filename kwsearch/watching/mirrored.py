"""optuna-dashboard on a mirror of a study, which follows the database as the browser asks."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from kwsearch.watching.pacing import Paced
from kwsearch.watching.source import Source
from search_spaces import InputError, KwsearchError
from search_spaces.distribution import install
from trials.mirroring import Mirror

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_ASKING = "/api/"


def optuna_dashboard(source: Source, name: str) -> "WSGIApplication":
    """The application that shows the study.

    While the database cannot be read, it shows what was last known.

    Args:
        source: the study.
        name: of the study.

    Raises:
        InputError: optuna-dashboard is not installed.
    """
    try:
        from optuna_dashboard import wsgi  # noqa: PLC0415 - an extra that few need
    except ImportError:
        raise InputError(
            "optuna-dashboard is not installed.",
            f"{install('dashboard')} Or look without --optuna.",
        ) from None
    mirror = Mirror(name)

    def reflect() -> None:
        summary = source.summary
        mirror.update(summary.trials, summary.measurements, summary.dimensions)

    def follow() -> None:
        with suppress(KwsearchError, OSError):
            if source.look():
                reflect()

    reflect()
    look = Paced(follow)
    app: WSGIApplication = wsgi(mirror.storage)

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(_ASKING):
            look()
        return app(environ, start)

    return answer
