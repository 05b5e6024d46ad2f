"""What travels inside a page: scripts, style, colours and data, none of which is fetched."""

import base64
import gzip
import hashlib
import json
from functools import cache
from importlib.resources import files

from reports.palette import DARK, LIGHT


def asset(name: str) -> str:
    """The text of a file of ``reports/assets``."""
    return (files("reports") / "assets" / name).read_text(encoding="utf-8")


def as_json(value: object) -> str:
    """JSON that may stand in a script element: no ``<`` that could end it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def colours() -> str:
    """The palette as CSS variables, dark where the reader's system is."""

    def variables(palette: dict[str, str]) -> str:
        wash = f"--wash:{palette['front']}22;"
        return wash + "".join(f"--{role}:{value};" for role, value in palette.items())

    return (
        f":root{{color-scheme:light dark;{variables(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    )


def policy(script: str, *, live: bool) -> str:
    """The page's content security policy: its own script and plotly.js, by their hashes.

    A live page may ask its own server for news, and nobody else for anything.
    """
    asking = "connect-src 'self'; " if live else ""
    return (
        f"default-src 'none'; script-src {_hash(script)} {_hash(plotly())}; {asking}"
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def plotly() -> str:
    """plotly.js."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@cache
def packed_plotly() -> str:
    """plotly.js as the page carries it: gzip in base64."""
    return base64.b64encode(gzip.compress(plotly().encode(), mtime=0)).decode()
