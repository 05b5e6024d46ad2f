"""What stopping trials early saves, and what it costs: halving beside none, on the same images.

For every seed one study trains all of its networks to the top rung and one stops most of them by
halving, which has time for more. Both have the same space, budget, images, recipe and workers.
Printed are the hypervolumes as a share of the area over log-parameters: of all epochs
without halving, and of halving when it had spent that part of them that is asked for. An epoch of
a trial counts when the trial ends. Busy is the share of the workers' time, from the first trial's
start to the last one's end, in which they trained or measured; starting Ray is not in it.

    python benchmarks/halving.py [--study fashion-mnist --files DIR] [--database FILE]
    python benchmarks/halving.py --table benchmarks/tables/kw_bench_digits.parquet

Studies that the database already holds are gone on with, not searched again. With ``--table``
searches are replayed from a recorded table: halving, and the model that freezes and thaws, with no
more epochs than their shares of those without promotion. The last line is JSON.
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from kwsearch import api
from kwsearch.problems import promotion_of
from kwsearch.settings import StudySettings, from_plain, to_plain
from kwsearch.simulating import simulate
from reports.figures.hypervolume import HypervolumeInfo, hypervolume_info
from reports.summary import Summary, summarise
from search_spaces import InputError
from trials.store import open_store
from trials.table import Table, read_table


@dataclass(frozen=True)
class Result:
    """One seed; hypervolumes are shares, epochs are of all trials together."""

    seed: int
    none_epochs: int
    none_hypervolume: float
    epochs: int
    hypervolume: float
    early_epochs: int
    early_hypervolume: float
    none_busy: float
    busy: float


def study(given: argparse.Namespace, promotion: str, seed: int) -> StudySettings:
    """The study of one seed, with halving or without."""
    plain: dict[str, Any] = to_plain(api.settings(given.study))
    plain["name"] = f"{promotion}-{seed}"
    plain["search"] |= {
        "trials": given.halved if promotion == "halving" else given.trials,
        "seed": seed,
        "eta": given.eta,
        "promotion": promotion,
        "reuse": False,
    }
    if given.quick:
        plain["proxy"] |= {"epochs": [1, 2], "warmup_epochs": 0.5}
        plain["baselines"] |= {"seeds": 0}
    plain["execution"] |= {"executor": "ray", "workers": given.workers}
    if given.files:
        plain["proxy"]["folder"] = given.files
    return from_plain(plain, "options")


def searched(settings: StudySettings, database: str) -> Summary:
    """What a study found; one that the database holds is only gone on with."""
    name = str(settings.name)
    try:
        api.search(settings, database=database)
    except InputError:  # it is there, or the settings are bad, which resuming says again
        api.resume(name, database=database)
    with open_store(database) as store:
        return summarise(store, name, promotion_of)


def busy(summary: Summary, workers: int) -> float:
    """Share of the workers' time in which they measured."""
    ended = [trial.finished_at for trial in summary.trials if trial.finished_at is not None]
    wall = max(ended) - min(trial.started_at for trial in summary.trials)
    return sum(trial.seconds or 0.0 for trial in summary.trials) / (workers * wall.total_seconds())


def after(info: HypervolumeInfo, epochs: float) -> tuple[int, float]:
    """Epochs spent, and the hypervolume, when no more than ``epochs`` were."""
    spent = [(int(e), share) for e, share in zip(info.epochs, info.share, strict=True)]
    return max(((e, share) for e, share in spent if e <= epochs), default=(0, 0.0))


def compare(given: argparse.Namespace, seed: int) -> Result:
    """Both studies of a seed."""
    whole = searched(study(given, "none", seed), given.database)
    halved = searched(study(given, "halving", seed), given.database)
    none, ours = hypervolume_info(whole), hypervolume_info(halved)
    early = after(ours, given.share * none.epochs[-1])
    return Result(
        seed=seed,
        none_epochs=int(none.epochs[-1]),
        none_hypervolume=none.share[-1],
        epochs=int(ours.epochs[-1]),
        hypervolume=ours.share[-1],
        early_epochs=early[0],
        early_hypervolume=early[1],
        none_busy=busy(whole, given.workers),
        busy=busy(halved, given.workers),
    )


@dataclass(frozen=True)
class Replayed:
    """One seed from a table; hypervolumes as shares of the best that the table holds."""

    seed: int
    none_epochs: int
    none: float
    halving: float
    model: float
    begun: int
    complete: int


def replay(given: argparse.Namespace, table: Table, seed: int) -> Replayed:
    """A seed's searches without promotion, by halving and by the model."""
    plain: dict[str, Any] = to_plain(api.settings(given.study))
    plain["proxy"]["epochs"] = given.rungs

    def search(promotion: str) -> dict[str, Any]:
        asked = {
            "trials": given.trials,
            "sampler": given.sampler,
            "promotion": promotion,
            "eta": given.eta,
            "epochs_share": given.model_share,
        }
        plain["search"] |= asked
        return simulate(from_plain(plain, "options"), table, seed=seed)

    none, halving, model = (search(promotion) for promotion in ("none", "halving", "model"))
    most = given.share * none["epochs"]
    early = max((r["share"] for r in halving["history"] if r["epochs"] <= most), default=0.0)
    return Replayed(
        seed=seed,
        none_epochs=none["epochs"],
        none=none["share"],
        halving=early,
        model=model["share"],
        begun=model["trials"],
        complete=model["trials"] - model["stopped"],
    )


def replays(given: argparse.Namespace) -> None:
    """Print what searches from a table reach, and a last line of JSON."""
    table = read_table(Path(given.table))
    print(
        f"| seed | epochs, none | none | halving, {given.share:.0%} | ratio "
        f"| model, {given.model_share:.0%} | ratio | begun | to the top |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    results = []
    for seed in given.seeds:
        r = replay(given, table, seed)
        results.append(r)
        print(
            f"| {seed} | {r.none_epochs} | {r.none:.4f} | {r.halving:.4f} "
            f"| {r.halving / r.none:.4f} | {r.model:.4f} | {r.model / r.none:.4f} | {r.begun} "
            f"| {r.complete} |",
            flush=True,
        )
    ratios = {
        name: [float(q) for q in np.quantile(found, [0.25, 0.5, 0.75])]
        for name, found in (
            ("halving", [r.halving / r.none for r in results]),
            ("model", [r.model / r.none for r in results]),
        )
    }
    print(json.dumps({"quartiles": ratios, "seeds": [asdict(r) for r in results]}))


def main() -> None:
    """Print a table and a last line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--study", default="quickstart", help="a study file or a preset")
    parser.add_argument("--files", help="where the files of a named data set lie")
    parser.add_argument("--database", help="where the studies are kept; thrown away if unset")
    parser.add_argument("--trials", type=int, default=24, help="without halving")
    parser.add_argument("--halved", type=int, default=36, help="trials with halving")
    parser.add_argument("--eta", type=float, default=3.0, help="one in so many goes on")
    parser.add_argument("--share", type=float, default=0.45, help="part of the epochs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--table", help="a recorded table to replay searches from")
    parser.add_argument("--sampler", default="exact", help="with --table")
    parser.add_argument("--rungs", type=int, nargs="+", default=[1, 3, 9], help="with --table")
    parser.add_argument("--model-share", type=float, default=0.3, help="the model's, with --table")
    parser.add_argument("--quick", action="store_true", help="4 and 6 trials, 2 epochs, one seed")
    given = parser.parse_args()
    if given.table:
        replays(given)
        return
    if given.quick:
        given.trials, given.halved, given.seeds = 4, 6, [0]
    given.database = given.database or str(Path(tempfile.mkdtemp()) / "halving.db")
    print("| seed | epochs, none | hypervolume | epochs, early | hypervolume | ratio "
          "| epochs, halving | hypervolume | ratio | busy, none | busy, halving |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    results = []
    for seed in given.seeds:
        r = compare(given, seed)
        results.append(r)
        print(
            f"| {seed} | {r.none_epochs} | {r.none_hypervolume:.4f} "
            f"| {r.early_epochs} | {r.early_hypervolume:.4f} "
            f"| {r.early_hypervolume / r.none_hypervolume:.4f} "
            f"| {r.epochs} | {r.hypervolume:.4f} | {r.hypervolume / r.none_hypervolume:.4f} "
            f"| {r.none_busy:.1%} | {r.busy:.1%} |",
            flush=True,
        )
    ratio = median(r.early_hypervolume / r.none_hypervolume for r in results)
    print(json.dumps({"median_ratio": ratio, "seeds": [asdict(r) for r in results]}))


if __name__ == "__main__":
    main()
