"""One page for people: a study in a single HTML file that asks for nothing outside itself.

Scripts run only if their hash is in the page's content security policy. plotly.js travels packed
(gzip in base64) and is unpacked by the browser after the first paint. Stored text is escaped by
jinja or set as text by the scripts, never read as HTML.
"""

import base64
import gzip
import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from reports import tables
from reports.figures import web
from reports.figures.agreement import agreement_info
from reports.figures.choices import choices_info
from reports.figures.curves import curves_info
from reports.figures.front import front_info
from reports.figures.hypervolume import CLOCKS, hypervolume_info
from reports.palette import DARK, LIGHT
from reports.summary import Summary
from reports.units import percent, quantity
from reports.writing import write_whole
from trials.records import TrialState

_SCRIPTS = ("format.js", "figures.js", "tables.js", "page.js")


def write_page(summary: Summary, path: Path, *, study_file: str | None = None) -> Path:
    """Write the page, whole or not at all.

    Args:
        summary: the study.
        path: the file; one that is there is replaced.
        study_file: the study file's text, to be shown under "how to reproduce".

    Raises:
        StorageError: the file cannot be written.
    """
    text = render(summary, study_file=study_file).encode()
    return write_whole(path, lambda file: file.write(text))


def render(summary: Summary, *, study_file: str | None = None) -> str:
    """The page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(percent=percent, quantity=quantity)
    template = environment.from_string(_asset("page.html.j2"))
    script = "".join(_asset(name) for name in _SCRIPTS)
    plotly = _plotly()
    choices, agreement = choices_info(summary), agreement_info(summary)
    figures: dict[str, web.Figure] = {
        "params": web.front_figure(front_info(summary)),
        "macs": web.front_figure(front_info(summary, "macs")),
        **{clock: web.hypervolume_figure(hypervolume_info(summary), clock) for clock in CLOCKS},
        "curves": web.curves_figure(curves_info(summary)),
        "importances": web.importances_figure(choices),
        "agreement": web.agreement_figure(agreement),
    }
    return template.render(
        summary=summary,
        name=summary.study.name,
        tables=tables,
        choices=choices,
        agreement=agreement,
        study_file=study_file,
        option=tables.database_option(summary),
        policy=f"default-src 'none'; script-src {_hash(script)} {_hash(plotly)}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'",
        colours=_colours(),
        style=_asset("page.css"),
        script=script,
        plotly=_packed(),
        data=_json(_data(summary, figures)),
    )


def _data(summary: Summary, figures: dict[str, web.Figure]) -> dict[str, Any]:
    front, spec = summary.front, summary.study.spec
    low = front[0].trial.params if front else spec.reference_params
    return {
        "study": summary.study.name,
        "database": tables.database_option(summary),
        "states": [state.value for state in TrialState],
        "plain": {"name": spec.backbone.name, "params": spec.backbone.params},
        "budget": [low, max(low, spec.reference_params)],
        "front": [record.number for record in front],
        "trials": tables.columns(summary),
        "figures": figures,
    }


def _json(value: object) -> str:
    """JSON for a script element: no ``<`` that could end it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _colours() -> str:
    """The palette as CSS variables, dark where the reader's system is."""

    def variables(palette: dict[str, str]) -> str:
        wash = f"--wash:{palette['front']}22;"
        return wash + "".join(f"--{role}:{value};" for role, value in palette.items())

    return (
        f":root{{color-scheme:light dark;{variables(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    )


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _asset(name: str) -> str:
    return (files("reports") / "assets" / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


@cache
def _packed() -> str:
    return base64.b64encode(gzip.compress(_plotly().encode(), mtime=0)).decode()
