"""A study as a page for people, or its front as a picture; the ending of the file says which."""

from pathlib import Path

from kwsearch.problems import promotion_of, settings_of
from kwsearch.settings import to_toml
from reports.figures import paper
from reports.figures.front import front_info
from reports.page import write_page
from reports.summary import Summary, summarise
from search_spaces import InputError
from trials.area import Scale
from trials.records import StudyRecord
from trials.store import Store

PAGES = ("html", "htm")


def report(store: Store, name: str, output: Path, scale: Scale = Scale.LOG) -> Path:
    """Write the report of a study, whole or not at all.

    Args:
        store: the database.
        name: of the study.
        output: ``.html`` for the page, or ``.png``, ``.pdf`` or ``.svg`` for the front alone.
        scale: of the sizes that hypervolume is measured over.

    Raises:
        InputError: no such study, or another ending.
        StorageError: the file cannot be written.
    """
    kind = output.suffix.removeprefix(".").lower()
    if kind not in {*PAGES, *paper.KINDS}:
        raise InputError(
            f"{output.name} has no ending of a report: .{', .'.join((PAGES[0], *paper.KINDS))}.",
            f"Write it like {output.stem or 'report'}.html.",
        )
    summary = summarise(store, name, promotion_of, scale)
    if kind in PAGES:
        return write_page(summary, output, study_file=study_file(summary.study))
    return _picture(summary, output)


def _picture(summary: Summary, output: Path) -> Path:
    info = front_info(summary)
    return paper.save(lambda axes: paper.draw_front(axes, info), output)


def study_file(study: StudyRecord) -> str | None:
    """The study file, unless it was written for other settings than today's."""
    try:
        return to_toml(settings_of(study))
    except InputError:
        return None
