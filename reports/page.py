"""One page for people: a study in a single HTML file that asks for nothing outside itself.

Scripts run only if their hash is in the page's content security policy. plotly.js travels packed
(gzip in base64) and is unpacked by the browser after the first paint. Stored text is escaped by
jinja or set as text by the scripts.

The same page can be live: its script then asks its own server for news, which `refresh` makes.
What changes while a search runs stands in the template's blocks; each is also a *part* of a
refreshment, to be put in place of the block that the page has.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from reports import embedding, tables
from reports.figures import web
from reports.figures.agreement import AgreementInfo, agreement_info
from reports.figures.choices import LEAST, ChoicesInfo, choices_info
from reports.figures.curves import curves_info
from reports.figures.front import Size, front_info
from reports.figures.hypervolume import CLOCKS, hypervolume_info
from reports.summary import Summary
from reports.units import capital, percent, quantity
from trials.costs import Cost
from trials.files import write_whole
from trials.records import TrialState

_SIZES: tuple[Size, ...] = ("params", "macs")
"""What the front is drawn against in every study."""

_SWITCH = (("params", "Parameters"), ("macs", "MACs"), ("latency", "Latency"))
"""Values and words of what the front can be drawn against."""

_BUDGETS = {
    Cost.PARAMS: "Parameter budget",
    Cost.MACS: "MACs budget",
    Cost.LATENCY: "Latency budget",
}
_SCRIPTS = ("format.js", "figures.js", "tables.js", "page.js")
_LIVE = "live.js"


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


def render(summary: Summary, *, study_file: str | None = None, revision: str | None = None) -> str:
    """The page as text.

    Args:
        summary: the study.
        study_file: see `write_page`.
        revision: of a live page, the name of what it shows; it asks ``state`` beside its own
            address for anything newer.
    """
    choices, agreement = choices_info(summary), agreement_info(summary)
    live = revision is not None
    script = _script(live=live)
    data = _data(summary, choices, agreement)
    return _template().render(
        **_words(summary, choices, agreement),
        study_file=study_file,
        live=live,
        policy=embedding.policy(script, live=live),
        colours=embedding.colours(),
        style=embedding.asset("page.css"),
        script=script,
        plotly=embedding.packed_plotly(),
        data=embedding.as_json({**data, "revision": revision} if live else data),
    )


def refresh(summary: Summary) -> str:
    """What a live page puts in place of what it has, as JSON: ``data``, and ``parts`` as HTML."""
    choices, agreement = choices_info(summary), agreement_info(summary)
    template, words = _template(), _words(summary, choices, agreement)
    parts = {
        name: "".join(block(template.new_context(words))) for name, block in template.blocks.items()
    }
    return embedding.as_json({"data": _data(summary, choices, agreement), "parts": parts})


def live_policy() -> str:
    """The content security policy of a live page, for its server to send as well."""
    return embedding.policy(_script(live=True), live=True)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(percent=percent, quantity=quantity, capital=capital)
    return environment.from_string(embedding.asset("page.html.j2"))


@cache
def _script(*, live: bool) -> str:
    return "".join(embedding.asset(name) for name in (*_SCRIPTS, *([_LIVE] if live else [])))


def _words(summary: Summary, choices: ChoicesInfo, agreement: AgreementInfo) -> dict[str, Any]:
    """What the template's blocks speak of."""
    return {
        "summary": summary,
        "name": summary.study.name,
        "tables": tables,
        "choices": choices,
        "agreement": agreement,
        "least": LEAST,
        "sizes": _SWITCH if summary.has_latency else _SWITCH[:-1],
        "label": capital(summary.measure),
        "budget": _BUDGETS[summary.kind],
    }


def _data(summary: Summary, choices: ChoicesInfo, agreement: AgreementInfo) -> dict[str, Any]:
    front, spec = summary.front, summary.study.spec
    low = front[0].trial.cost if front else spec.reference_params
    high = spec.reference_params
    unit = 1e6 if summary.kind is Cost.LATENCY else 1  # latencies are shown in milliseconds
    sizes: tuple[Size, ...] = ("params", "macs", "latency") if summary.has_latency else _SIZES
    growth = hypervolume_info(summary)
    return {
        "study": summary.study.name,
        "database": tables.database_option(summary),
        "states": [state.value for state in TrialState],
        "plain": {"name": spec.backbone.name, "params": spec.backbone.params},
        "cost": summary.kind.value,
        "quality": capital(summary.measure),
        "budget": [end / unit if unit > 1 else end for end in (low, max(low, high))],
        "front": [record.number for record in front],
        "trials": tables.columns(summary),
        "figures": {
            **{size: web.front_figure(front_info(summary, size)) for size in sizes},
            **{clock: web.hypervolume_figure(growth, clock) for clock in CLOCKS},
            "curves": web.curves_figure(curves_info(summary)),
            "importances": web.importances_figure(choices),
            "agreement": web.agreement_figure(agreement),
        },
    }
