"""KW-Bench: every network of a finite space, trained and measured after every epoch.

The networks of a study file's space (each setting a list of values) that lie inside its budget are
counted, told apart by digest, and trained by the study's proxy as a search would train them: with
the split of the study's seed, and from the seed that a trial of that network has. Plain networks of
several widths are trained beside them. They come in an order of which any beginning is spread over
the logarithm of parameters.

    python benchmarks/kw_bench.py benchmarks/kw_bench_digits.toml --results digits.jsonl
    python benchmarks/kw_bench.py benchmarks/kw_bench_digits.toml --results digits.jsonl --pack

Every training is written to the results as it ends, and is not repeated; nor is one that the packed
table holds already. ``--pack`` adds the results to the table, a Parquet file that
`trials.table.read_table` reads.
"""

import argparse
import json
import platform
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from math import log
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from kwsearch import problems
from kwsearch.settings import StudySettings, from_plain, load_study, to_plain
from kwsearch.tasks import recipe_of
from search_spaces import Backbone, NetworkConfig
from search_spaces.backbones import shipped
from search_spaces.errors import InputError
from search_spaces.finite import Member, members
from trials.area import Area
from trials.errors import NonFiniteError
from trials.records import Measurement, Trial, Verdict
from trials.search import trial_seed
from trials.shares import standard_error
from trials.table import Facts, PlainNetwork, Table, read_table, write_table
from trials.table.parquet import candidate
from trials.table.records import Curve
from trials.tasks.classification import VERSION
from trials.tasks.classification.data import Prepared
from trials.tasks.classification.plain import train_plain
from trials.tasks.classification.proxy import ProxyTask

TABLES = Path(__file__).parent / "tables"
DIGITS = Path(__file__).parent / "kw_bench_digits.toml"
"""Where packed tables are."""

WIDTHS = (2, 3, 4, 6, 8, 10, 12, 16, 20, 24)
"""First widths of the plain ResNet-8, inside the budget."""


@dataclass(frozen=True, slots=True)
class Job:
    """A training to be done: of a configuration, or of the plain network of that name."""

    seed: int
    digest: str
    params: int
    macs: int
    config: NetworkConfig | None
    plain: str | None = None


def spread(sizes: Sequence[int]) -> list[int]:
    """Places in an order of which any beginning is spread over the logarithm of sizes.

    The places are sorted by size; each point of a van der Corput sequence takes the nearest place
    that is left.
    """
    logs = [log(size) for size in sizes]
    low, high = min(logs), max(logs)
    left = sorted(range(len(sizes)), key=lambda place: (logs[place], place))
    order: list[int] = []
    points = van_der_corput()
    while left:
        target = low + next(points) * (high - low)
        nearest = min(left, key=lambda place: abs(logs[place] - target))
        order.append(nearest)
        left.remove(nearest)
    return order


def van_der_corput() -> Iterator[float]:
    """0, 1, 1/2, 1/4, 3/4, 1/8, ..."""
    yield from (0.0, 1.0)
    index = 1
    while True:
        digits = f"{index:b}"
        yield sum(int(digit) / 2 ** (place + 1) for place, digit in enumerate(reversed(digits)))
        index += 1


@lru_cache(maxsize=1)
def study(path: str, folder: str | None) -> tuple[StudySettings, Prepared, Backbone]:
    """A study file, its images and its backbone, once a process."""
    plain = to_plain(load_study(path))
    plain["proxy"]["folder"] = folder
    settings = from_plain(plain, path)
    images = problems.images_of(settings)
    table = problems.backbone_of(settings, len(images.classes), images.channels, images.size)
    return settings, images, table


@lru_cache(maxsize=1)
def space_of(path: str, folder: str | None) -> list[Member]:
    """Networks of the study's space, in the order in which they are trained."""
    settings, _, table = study(path, folder)
    asked = problems.problem(settings, table)
    found = members(asked.space, asked.limits)
    return [found[place] for place in spread([one.params for one in found])]


def jobs(path: str, folder: str | None, seeds: Sequence[int]) -> list[Job]:
    """All trainings, seed by seed: the plain networks, then those of the space."""
    table = study(path, folder)[2]
    shape = (table.num_classes, table.in_channels, table.input_size)
    plains = [shipped(f"resnet8x{width / 16:g}", *shape) for width in WIDTHS]
    made: list[Job] = []
    for seed in seeds:
        made += [Job(seed, p.digest, p.params, p.macs, None, p.name) for p in plains]
        made += [
            Job(seed, one.digest, one.params, one.macs, one.config)
            for one in space_of(path, folder)
        ]
    return made


def task(path: str, folder: str | None, seed: int) -> ProxyTask:
    """The proxy of the study, on the split of a seed."""
    settings, images, table = study(path, folder)
    proxy, ladder = settings.proxy, problems.problem(settings, table).ladder
    return ProxyTask(
        prepared=images,
        recipe=recipe_of(settings, ladder),
        ladder=ladder,
        split_seed=seed,
        validation_share=proxy.validation_share,
        training_share=proxy.training_share,
        threads=settings.execution.threads,
        way=proxy.way,
        backbone=table,
    )


def train(path: str, folder: str | None, job: Job, states: str) -> dict[str, Any]:
    """Train one network; a line of the results."""
    own, curve = task(path, folder, job.seed), []

    def note(measured: Measurement) -> Verdict:
        curve.append([measured.epoch, measured.accuracy, measured.loss, measured.images,
                      round(measured.seconds, 3)])  # fmt: skip
        return Verdict.CONTINUE

    failed = None
    try:
        if job.config is None:
            table = study(path, folder)[2]
            shape = (table.num_classes, table.in_channels, table.input_size)
            plain = shipped(job.plain or "", *shape)
            train_plain(own, plain, seed=job.seed, report=note, folder=Path(states))
        else:
            seed = trial_seed(job.seed, job.digest)
            own(Trial("bench", 0, job.config, job.digest, job.params, job.macs, seed), note)
    except NonFiniteError as error:
        failed = str(error)
    return {
        "digest": job.digest,
        "seed": job.seed,
        "plain": job.plain,
        "config": None if job.config is None else job.config.model_dump(mode="json"),
        "params": job.params,
        "macs": job.macs,
        "curve": curve,
        "failed": failed,
    }


def header(path: str, folder: str | None) -> dict[str, Any]:
    """What tells the measurements of one table from those of another."""
    settings, images, table = study(path, folder)
    own = task(path, folder, settings.search.seed)
    plain = to_plain(settings)
    plain["proxy"]["folder"] = None
    return {
        "study": plain,
        "backbone": table.to_dict(),
        "recipe": own.recipe.model_dump(mode="json"),
        "images": images.sha256,
        "training": VERSION,
    }


def made_with() -> dict[str, str]:
    """Versions and hardware."""
    packages = ("kernelwarehouse-search", "torch", "torchvision", "numpy")
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        **{name: version(name) for name in packages},
        "python": platform.python_version(),
        "processor": names[0] if names else platform.machine(),
    }


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


def alike(recorded: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether trainings under these two headers belong to one table.

    Of the study, space and proxy decide, with the recipe; a setting that only one of them has
    came later.
    """
    one, other = json.loads(json.dumps([recorded, expected]))
    studies = one.pop("study"), other.pop("study")
    pairs = [[study[section] for study in studies] for section in ("space", "proxy")]
    pairs.append([one.pop("recipe"), other.pop("recipe")])
    return bool(one == other) and all(
        section[name] == then[name]
        for section, then in pairs
        for name in section.keys() & then.keys()
    )


def read_results(results: Path, expected: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Trainings that are done, with the line of facts first; begins the file where there is none.

    A last line that was torn is left out, and cut off.
    """
    if not results.is_file():
        line = {"header": expected, "made_with": made_with()}
        results.write_text(json.dumps(line) + "\n", encoding="utf-8")
    text = results.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        results.write_text(whole, encoding="utf-8")
    first, *rows = [json.loads(line) for line in whole.splitlines()]
    if not alike(first["header"], expected):
        raise InputError(f"{results} was recorded by another study.", "Name another file.")
    return [first, *rows]


def packed(given: argparse.Namespace, expected: Mapping[str, Any]) -> Table | None:
    """The packed table of the study, if there is one."""
    if not given.table.is_file():
        return None
    table = read_table(given.table)
    own = {name: getattr(table.facts, name) for name in expected}
    if not alike({**own, "backbone": table.facts.backbone.to_dict()}, expected):
        raise InputError(f"{given.table} was recorded by another study.", "Name another file.")
    return table


def record(given: argparse.Namespace) -> None:
    """Train what is missing."""
    expected = header(given.study, given.files)
    done = {(row["digest"], row["seed"]) for row in read_results(given.results, expected)[1:]}
    table = packed(given, expected)
    if table is not None:
        done |= {(o.digest, seed) for o in (*table.candidates, *table.plain) for seed in o.curves}
    every = jobs(given.study, given.files, given.seeds)
    if given.quick:
        every = [job for job in every if job.plain is None]
    missing = [job for job in every if (job.digest, job.seed) not in done][: given.most]
    print(f"{len(every):,} trainings, {len(missing):,} of them to be done now", flush=True)
    states = str(given.results.with_suffix(".states"))
    with given.results.open("a", encoding="utf-8") as file:
        for row in trained(given, missing, states):
            file.write(json.dumps(row) + "\n")
            file.flush()


def trained(
    given: argparse.Namespace, missing: Sequence[Job], states: str
) -> Iterator[dict[str, Any]]:
    """Results as they end, by that many processes."""
    if given.processes == 1:
        for job in missing:
            yield train(given.study, given.files, job, states)
        return
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(train, given.study, given.files, job, states) for job in missing]
        for one in as_completed(running):
            yield one.result()


def pack(given: argparse.Namespace) -> None:
    """Add the results to the packed table."""
    expected = header(given.study, given.files)
    first, *rows = read_results(given.results, expected)
    before = packed(given, expected)
    curves: dict[str, dict[int, Curve]] = defaultdict(dict)
    failed = 0 if before is None else before.facts.failed
    for row in rows:
        if row["failed"]:
            failed += 1
        else:
            curves[row["digest"]][row["seed"]] = curve_of(row["curve"])
    for one in () if before is None else (*before.candidates, *before.plain):
        curves[one.digest].update(one.curves)
    backbone, every = study(given.study, given.files)[2], space_of(given.study, given.files)
    plains = {job.digest: job for job in jobs(given.study, given.files, [0]) if job.plain}
    table = Table(
        facts_of(given, failed, first["made_with"]),
        tuple(
            candidate(one.config, backbone, curves[one.digest])
            for one in every
            if one.digest in curves
        ),
        tuple(
            PlainNetwork(str(job.plain), digest, job.params, job.macs, curves[digest])
            for digest, job in plains.items()
            if digest in curves
        ),
    )
    write_table(table, given.table)
    print(json.dumps(summary(read_table(given.table))))


def curve_of(measured: Sequence[Sequence[Any]]) -> Curve:
    """Measurements as results keep them."""
    return tuple(
        Measurement(epoch, accuracy, standard_error(accuracy, images), loss, images, seconds)
        for epoch, accuracy, loss, images, seconds in measured
    )


def facts_of(given: argparse.Namespace, failed: int, versions: Mapping[str, str]) -> Facts:
    """What the table says of itself; its area is that of the study, from the smallest network."""
    settings, _, table = study(given.study, given.files)
    expected, every = header(given.study, given.files), space_of(given.study, given.files)
    floor = settings.search.accuracy_floor or 1 / table.num_classes
    most = settings.budget.max_params or max(one.params for one in every)
    return Facts(
        **{**expected, "backbone": table},
        area=Area(min(one.params for one in every), most, floor),
        networks=len(every),
        failed=failed,
        made_with=versions,
    )


def summary(table: Table) -> dict[str, Any]:
    """What there is, in numbers."""
    return {
        "networks": table.facts.networks,
        "recorded": {seed: len(table.of_seed(seed)) for seed in table.seeds},
        "plain": {s: sum(s in one.curves for one in table.plain) for s in table.seeds},
        "failed": table.facts.failed,
        "hypervolume": {seed: table.best_hypervolume(seed) for seed in table.seeds},
    }


def main() -> None:
    """Record, or pack."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("study", nargs="?", help="a study file whose settings are lists of values")
    parser.add_argument("--results", type=Path, help="a file of trainings")
    parser.add_argument("--table", type=Path, help="the packed table; named as the study if unset")
    parser.add_argument("--files", help="where the files of a named data set lie")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--most", type=int, help="train at most so many networks now")
    parser.add_argument("--pack", action="store_true", help="train nothing, pack the results")
    parser.add_argument("--quick", action="store_true", help="record and pack two networks")
    given = parser.parse_args()
    if given.quick:
        folder = Path(tempfile.mkdtemp())
        given.study, given.seeds, given.most = str(DIGITS), [0], 2
        given.results, given.table = folder / "quick.jsonl", folder / "quick.parquet"
        record(given)
        given.pack = True
    elif given.study is None or given.results is None:
        parser.error("a study file and --results are needed, or --quick")
    given.table = given.table or TABLES / f"{Path(given.study).stem}.parquet"
    (pack if given.pack else record)(given)


if __name__ == "__main__":
    main()
