"""Commands that search, and that look ahead before anything is trained."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kwsearch.commands.options import (
    DETAILS,
    AsCsv,
    AsJson,
    Database,
    Name,
    Study,
    Trials,
    TrustCode,
    form_of,
)
from kwsearch.output import Form, say, show_record, show_rows
from kwsearch.progress import Progress, format_duration
from kwsearch.quantities import parse_quantity
from search_spaces.errors import plural
from trials.names import check_name

if TYPE_CHECKING:
    from kwsearch.settings import StudySettings
    from trials.records import StudyRecord


def init(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="A shipped study, such as quickstart.")
    ],
) -> None:
    """Print a preset as a study file that explains every setting."""
    from kwsearch import api

    sys.stdout.write(api.init(preset))


def plan(
    study: Study,
    params: Annotated[
        int | None,
        typer.Option(metavar="P", parser=parse_quantity, help="Parameters to come near, as 6M."),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many configurations to list.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the proposals.")] = 0,
    references: Annotated[
        bool,
        typer.Option("--references", help="Add published networks, marked; a table has them."),
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List configurations of a size, counted exactly, before anything is trained."""
    form, source = form_of(as_json, as_csv), _study(study)
    from kwsearch import api

    shown = references or form is Form.TABLE
    rows = api.plan(source, params=params, number=count, seed=seed, references=shown)
    _tell_gap(rows, params)
    show_rows(rows, form, hide=DETAILS, empty="No configuration comes near.")


def count(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A configuration as JSON, or a published one.")
    ],
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights of the plain network: say how much of its kernels the cells can keep.",
        ),
    ] = None,
    trust_code: TrustCode = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Count parameters and MACs of a configuration, in total, per warehouse and per site."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    show_record(api.count(config, start=start, trust_code=trust_code), form)


def search(
    study: Study,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another name for the study.", parser=check_name),
    ] = None,
    trials: Trials = None,
    seed_from: Annotated[
        str | None,
        typer.Option(
            "--seed-from",
            metavar="STUDY",
            help="Propose the best networks of another study first, or 'published' ones.",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Delete a study of that name first, with its weights."),
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Run a study: propose, count, train, remember; then print its front."""
    form, source = form_of(as_json, as_csv), _study(study)
    from kwsearch import api

    with Progress() as progress:
        record = api.search(
            source,
            database=database,
            name=name,
            trials=trials,
            seed_from=seed_from,
            replace=replace,
            watch=progress,
            watch_baselines=progress.baseline,
            tell=say,
        )
    _conclude(record, api.front(record.name, database=database), form)
    _tell(record.name, database)


def resume(
    name: Name,
    trials: Trials = None,
    steal: Annotated[
        bool, typer.Option("--steal", help="Take the study from a driver known to be dead.")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Take a study on to its number of trials, or to another; then print its front."""
    form = form_of(as_json, as_csv)
    from kwsearch import api

    with Progress() as progress:
        record = api.resume(
            name,
            database=database,
            trials=trials,
            watch=progress,
            watch_baselines=progress.baseline,
            steal=steal,
        )
    _conclude(record, api.front(record.name, database=database), form)
    _tell(record.name, database)


def simulate(
    study: Study,
    table: Annotated[
        Path,
        typer.Option("--table", metavar="FILE", help="A recorded table, as KW-Bench's."),
    ],
    trials: Trials = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Another seed of the search; measurements stay the same."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Trials at a time, in virtual time.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Replay a search from a recorded table in seconds; nothing is trained or written."""
    from kwsearch import api

    found = api.simulate(_study(study), table, trials=trials, seed=seed, workers=workers)
    for remark in found["remarks"]:
        say(remark)
    if as_json:
        show_record(found, Form.JSON)
        return
    show_rows(found["front"], hide=DETAILS)
    show_rows(_tenths(found["history"]))
    say(
        f"Hypervolume {found['hypervolume']:.4f} after {plural(found['epochs'], 'epoch')}: "
        f"{found['share']:.1%} of the {found['best_hypervolume']:.4f} that the table holds."
    )


def _tenths(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of a long history the last entries inside each tenth of the epochs."""
    spent = history[-1]["epochs"]
    chosen = {
        max(place for place, row in enumerate(history) if row["epochs"] <= spent * tenth / 10)
        for tenth in range(1, 11)
        if history[0]["epochs"] <= spent * tenth / 10
    }
    return [history[place] for place in sorted(chosen)]


def _tell_gap(rows: Iterable[Mapping[str, Any]], params: int | None) -> None:
    """Say so where a space of few choices has no size near the one that was asked for."""
    from kwsearch.reaching import NEAR

    own = [row["relative"] for row in rows if "relative" in row and not row.get("published")]
    off = min(map(abs, own), default=0.0)
    if params is not None and off > NEAR:
        say(f"The nearest configuration is {off:.0%} from {params:,} parameters.")


def _study(text: str) -> "StudySettings | str":
    """A study file's settings, or the text itself where it can only be a preset's name."""
    if text.endswith(".toml") or "/" in text or Path(text).exists():
        from kwsearch.settings import load_study

        return load_study(text)
    return text


def _tell(name: str, database: str | None) -> None:
    """Say what repeats did to the front, and whether KernelWarehouse pays."""
    from kwsearch import api

    again = api.repeats(name, database=database)["sentence"]
    if again is not None:
        say(again)
    say(api.pays(name, database=database)["sentence"])


def _conclude(record: "StudyRecord", rows: Iterable[Mapping[str, Any]], form: Form) -> None:
    from kwsearch import starts

    begun = starts.note(record)
    if begun is not None:
        say(begun)
    refused = sum(record.refused.values())
    say(
        f"Study {record.name}: {record.finished:,} of {plural(record.spec.trials, 'trial')}, "
        f"{format_duration(record.seconds)} of training, {plural(refused, 'proposal')} turned down."
    )
    asked = record.spec.settings.get("search", {})
    told = asked.get("stop_after_plateau") is not None or asked.get("promotion") == "model"
    if record.finished < record.spec.trials and not told:
        say(
            "The space holds no further network inside the budget that was not tried: "
            "widen the space or the budget in a new study to try more."
        )
    show_rows([*rows], form, hide=DETAILS, empty="No trial reached the front.")


COMMANDS = (init, plan, count, simulate, search, resume)
"""In the order of ``--help``."""
