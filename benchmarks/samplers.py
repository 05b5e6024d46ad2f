"""Samplers beside each other on a recorded table: how many epochs until how much hypervolume.

Every search chooses among the same networks, those of the table (`kw_bench.py` records it), and
is charged the epochs that their trainings took when they were recorded. Its gain is the hypervolume
over log-parameters of what it has trained to the last epoch, as a share of that of the front of all
networks of the table. What is turned down (not in the table, or known) costs nothing.

    python benchmarks/samplers.py benchmarks/tables/kw_bench_digits.parquet [--picture FILE]
    python benchmarks/samplers.py --quick

Printed are medians over seeds (with quartiles) of the epochs until 95 % and 99 %. A search that
had not got there when its epochs were spent counts as later than all others (-). Where the table
has trainings of several seeds, searches take them in turn. Halved searches stop trials at epochs 1
and 3 as `promotion = "halving"` does; thawed ones are paused and gone on with as
`promotion = "model"` does, which may do so after every epoch. *One epoch for all* trains every
network of the table for one epoch, and then the best of them, by rank and crowding, to the end.
Samplers of other projects are in the folder peers: `pip install -e '.[bench]'` for BoTorch and Syne
Tune, and `peers/primo.py` says how NePS is installed. The last line is JSON.
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kwsearch.problems import Problem, problem
from kwsearch.settings import from_plain
from search_spaces.candidates import Candidates, listed
from search_spaces.choices import Value
from search_spaces.encoding import encode
from search_spaces.errors import InfeasibleError
from search_spaces.features import features
from search_spaces.space import Space
from search_spaces.warehouse import plan_network
from trials.area import Point
from trials.evidence import Observation, by_merit
from trials.fidelity import Ladder
from trials.freezing import Climber, Standing, Thawing
from trials.pareto import Front
from trials.promotion import Halving
from trials.records import Entry, Measurement
from trials.sampling import STARTUP, STARTUP_OF, Known, Sampler, make_sampler
from trials.sampling.exact import Exact
from trials.table import Table, read_table

TABLES = Path(__file__).parent / "tables"
RUNGS = (1, 3)
SHARES = (0.95, 0.99)
NOTHING_LEFT = 0.9999
"""Share of the table's hypervolume at which a search ends."""

REPEATS = 10
"""Proposals in a row of what cannot be trained, after which they are drawn at random."""

Step = tuple[int, float]
"""Epochs spent so far, and the share of the table's hypervolume."""


@dataclass(frozen=True)
class Bench:
    """A table as searches see it: trainings of one seed."""

    table: Table
    seed: int

    @cached_property
    def space(self) -> Space:
        """The space that it was recorded from."""
        return self._problem.space

    @cached_property
    def _problem(self) -> Problem:
        settings = from_plain(self.table.facts.study, "the table's study")
        return problem(settings, self.table.facts.backbone)

    @cached_property
    def networks(self) -> dict[str, tuple[int, tuple[Measurement, ...]]]:
        """Parameters and measurements of every network, by digest."""
        found = self.table.of_seed(self.seed)
        return {one.digest: (one.params, one.curves[self.seed]) for one in found}

    @cached_property
    def values(self) -> dict[str, dict[str, Value]]:
        """What the space makes each network from."""
        return {one.digest: encode(self.space, one.config) for one in self.table.candidates}

    @cached_property
    def candidates(self) -> Candidates:
        """The networks, for the sampler that is given its candidates."""
        return listed(self.space, [self.values[digest] for digest in self.networks])

    @cached_property
    def inputs(self) -> NDArray[np.float64]:
        """What plans know of every network, scaled; a row a network, in their order."""
        features = self.candidates.features.astype(np.float64)
        spread = features.std(axis=0)
        used = spread > 1e-4
        scaled: NDArray[np.float64] = (features - features.mean(axis=0))[:, used] / spread[used]
        return scaled

    @cached_property
    def features(self) -> dict[str, tuple[float, ...]]:
        """What promotion is told of every network, by digest."""
        return {
            digest: tuple(
                features(plan_network(self.space.decode(values), self.space.backbone)).values()
            )
            for digest, values in self.values.items()
        }

    @property
    def top(self) -> int:
        """Epochs of a whole training."""
        return self.table.epochs

    @cached_property
    def best(self) -> float:
        """Hypervolume of the front of all networks."""
        return self.table.best_hypervolume(self.seed)

    @cached_property
    def _digests(self) -> dict[tuple[Any, ...], str | None]:
        return {}

    def digest(self, values: Any) -> str | None:  # noqa: ANN401 - what a sampler proposed
        """The network of some values, None if the table does not have it."""
        key = tuple(values[name] for name in self.space.dimensions)
        if key not in self._digests:
            self._digests[key] = self._planned(values)
        return self._digests[key]

    def _planned(self, values: Any) -> str | None:  # noqa: ANN401 - likewise
        try:
            plan = plan_network(self.space.decode(values), self.space.backbone)
        except InfeasibleError:
            return None
        return plan.digest if plan.digest in self.networks else None

    def known(self, digests: set[str]) -> Known:
        """What the sampler of sizes is told."""
        facts = self.table.facts
        return Known(self.space, self._problem.limits, facts.area, self.table.epochs, digests)

    def startup(self, seed: int) -> list[dict[str, Value]]:
        """What samplers that learn begin with: sizes spread evenly, as in a search.

        They are of a random half of the networks, as else all seeds would begin alike.
        """
        order = list(np.random.default_rng(seed).permutation(sorted(self.networks)))
        order = order[: max(len(order) // 2, STARTUP)]
        logs = np.log([self.networks[digest][0] for digest in order])
        chosen: list[int] = []
        for share in (0, 1, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875, 0.0625)[:STARTUP]:
            gaps = np.abs(logs - (logs.min() + share * np.ptp(logs)))
            gaps[chosen] = inf
            chosen.append(int(np.argmin(gaps)))
        return [self.values[str(order[at])] for at in chosen]


def sampler_of(kind: str, bench: Bench, seed: int, digests: set[str]) -> Sampler:
    """A sampler on the table's space."""
    if kind == "exact":
        first = bench.startup(seed)[: STARTUP_OF[kind]]
        return Exact(bench.known(digests), seed, first, candidates=bench.candidates)
    startup = bench.startup(seed) if kind != "random" else ()
    return make_sampler(kind, bench.space.dimensions, seed, startup)


def searched(kind: str, halved: bool, bench: Bench, seed: int, epochs: int) -> Iterator[Step]:  # noqa: FBT001 - a column of the table of methods
    """A search by one of our samplers, one trial after the other."""
    digests: set[str] = set()
    sampler = sampler_of(kind, bench, seed, digests)
    area = bench.table.facts.area
    halving = Halving(float(bench.table.facts.study["search"]["eta"]), area.low, area.high)
    rungs: dict[int, list[Entry]] = {rung: [] for rung in RUNGS}
    front, spent, vain = Front(area), 0, 0
    while spent < epochs and len(digests) < len(bench.networks):
        proposal = sampler.ask(blindly=vain >= REPEATS)
        digest = bench.digest(proposal.values)
        if digest is None or digest in digests:
            sampler.refuse(proposal.ticket)
            vain += 1
            continue
        vain, number = 0, len(digests)
        digests.add(digest)
        params, curve = bench.networks[digest]
        reached = _climbed(number, params, curve, rungs, halving) if halved else len(curve)
        spent += reached
        last = curve[reached - 1]
        told = tuple(
            (m.epoch, m.accuracy, m.accuracy_error)
            for m in curve[:reached]
            if m.epoch in {*RUNGS, reached}
        )
        lacking = 1 - reached / len(curve)
        sampler.tell(proposal.ticket, Observation(params, last.accuracy, lacking, told))
        if reached == len(curve):
            front.add(Point.of(params, last.accuracy, number))
        yield spent, front.hypervolume / bench.best


def _climbed(
    number: int,
    params: int,
    curve: Sequence[Measurement],
    rungs: dict[int, list[Entry]],
    halving: Halving,
) -> int:
    """Epochs that halving lets a trial be trained for."""
    for rung, seen in rungs.items():
        entry = Entry(number, params, curve[rung - 1].accuracy, went_on=False)
        decision = halving.decide(seen, entry)
        seen.append(entry._replace(went_on=decision.goes_on))
        if not decision.goes_on:
            return rung
    return len(curve)


def thawed(bench: Bench, seed: int, epochs: int) -> Iterator[Step]:
    """A search by `Exact` with `promotion = "model"` (`trials.freezing`), one trial at a time.

    It is weighed after every epoch which trial goes on, and no epoch is paid twice.
    """
    digests: set[str] = set()
    sampler = sampler_of("exact", bench, seed, digests)
    ladder = Ladder(tuple(range(1, bench.top + 1)))
    rule = Thawing(bench.table.facts.area, ladder, bench.top * len(bench.networks))
    replay, climbers, proposed = Replay(bench), [], []
    while replay.spent < epochs and len(digests) < len(bench.networks):
        number = rule.choose(climbers, may_begin=True).thaws
        if number is None:
            proposal = sampler.ask()
            digest = bench.digest(proposal.values)
            if digest is None or digest in digests:
                sampler.refuse(proposal.ticket)
                continue
            digests.add(digest)
            number = len(climbers)
            proposed.append((proposal, digest))
            climbers.append(Climber(number, bench.networks[digest][0], bench.features[digest]))
        proposal, digest = proposed[number]
        while True:
            epoch = climbers[number].reached + 1
            yield replay.train(digest, epoch)
            curve = tuple(
                (m.epoch, m.accuracy, m.accuracy_error) for m in bench.networks[digest][1][:epoch]
            )
            climbers[number] = replace(
                climbers[number], curve=curve, standing=Standing.RUNNING, saved=epoch
            )
            if epoch == bench.top:
                climbers[number] = replace(climbers[number], standing=Standing.COMPLETE)
                break
            if not rule.at_rung(climbers, number, may_begin=True).goes_on:
                climbers[number] = replace(climbers[number], standing=Standing.PAUSED)
                break
        observed = Observation(climbers[number].cost, curve[-1][1], 1 - epoch / bench.top, curve)
        sampler.restore(proposal.ticket, proposal.values, {}, observed)


class Replay:
    """Trainings of one search: what they cost, and what they gain."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.reached: dict[str, int] = {}
        self._front = Front(bench.table.facts.area)
        self.spent = 0

    def train(self, digest: str, epoch: int) -> Step:
        """Train a network up to an epoch; what it has behind it is not paid again."""
        params, curve = self.bench.networks[digest]
        self.spent += max(epoch - self.reached.get(digest, 0), 0)
        if epoch == len(curve):
            self._front.add(Point.of(params, curve[-1].accuracy, len(self.reached)))
        self.reached[digest] = max(epoch, self.reached.get(digest, 0))
        return self.spent, self._front.hypervolume / self.bench.best


def by_peer(module: str, bench: Bench, seed: int, epochs: int) -> Iterator[Step]:
    """A search by another project's sampler: an adapter of the folder peers."""
    proposed = importlib.import_module(f"peers.{module}").proposed
    replay = Replay(bench)
    for digest, epoch in proposed(replay, seed):
        spent, share = replay.train(digest, epoch)
        yield spent, share
        if spent >= epochs or len(replay.reached) == len(bench.networks):
            return


def one_epoch_for_all(bench: Bench, seed: int, epochs: int) -> Iterator[Step]:
    """Every network once for one epoch, then the best of them to the end."""
    order = np.random.default_rng(seed).permutation(sorted(bench.networks))
    networks = [bench.networks[str(digest)] for digest in order]
    spent = len(networks)
    yield spent, 0.0
    front = Front(bench.table.facts.area)
    first = [Observation(params, curve[0].accuracy) for params, curve in networks]
    for place in by_merit(first):
        if spent >= epochs:
            return
        params, curve = networks[place]
        spent += len(curve) - 1
        front.add(Point.of(params, curve[-1].accuracy, place))
        yield spent, front.hypervolume / bench.best


METHODS: dict[str, Callable[[Bench, int, int], Iterator[Step]]] = {
    "exact": partial(searched, "exact", False),  # noqa: FBT003 - not halved
    "exact, halved": partial(searched, "exact", True),  # noqa: FBT003 - halved
    "exact, thawed": thawed,
    "random": partial(searched, "random", False),  # noqa: FBT003 - not halved
    "random, halved": partial(searched, "random", True),  # noqa: FBT003 - halved
    "TPE (Optuna)": partial(searched, "tpe", False),  # noqa: FBT003 - not halved
    "TPE (Optuna), halved": partial(searched, "tpe", True),  # noqa: FBT003 - halved
    "NSGA-II (Optuna)": partial(searched, "nsga2", False),  # noqa: FBT003 - not halved
    "GP (Optuna)": partial(searched, "gp", False),  # noqa: FBT003 - not halved
    "qLogNEHVI (BoTorch)": partial(by_peer, "qlognehvi"),
    "MO-ASHA (Syne Tune)": partial(by_peer, "mo_asha"),
    "PriMO (NePS)": partial(by_peer, "primo"),
    "one epoch for all": one_epoch_for_all,
}
SLOW = (
    "exact, thawed",
    "GP (Optuna)",
    "qLogNEHVI (BoTorch)",
    "MO-ASHA (Syne Tune)",
    "PriMO (NePS)",
)
"""Methods that `--quick` leaves out: they are slow, or need packages of the extra ``bench``."""


def ended(steps: Iterator[Step]) -> list[Step]:
    """The steps of a search until nothing is left to be found."""
    taken: list[Step] = []
    for spent, share in steps:
        taken.append((spent, share))
        if share > NOTHING_LEFT:
            break
    return taken


def until(steps: Sequence[Step], share: float) -> float:
    """Epochs until a share of the table's hypervolume, infinite if it was not reached."""
    return next((float(spent) for spent, reached in steps if reached >= share), inf)


def quartiles(values: Sequence[float]) -> list[float]:
    """First quartile, median and third quartile; infinite values stand last."""
    return [float(v) for v in np.quantile(np.array(values), [0.25, 0.5, 0.75], method="lower")]


def along(runs: Sequence[Sequence[Step]], grid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Quartiles of the share at every number of epochs of a grid."""
    rows = []
    for steps in runs:
        spent = np.array([0, *(one for one, _ in steps)])
        reached = np.array([0.0, *(one for _, one in steps)])
        rows.append(reached[np.searchsorted(spent, grid, side="right") - 1])
    return np.quantile(np.array(rows), [0.25, 0.5, 0.75], axis=0)


def text(quartile: Sequence[float]) -> str:
    """A median with its quartiles, for a table."""
    low, middle, high = ("-" if v == inf else f"{v:.0f}" for v in quartile)
    return f"{middle} ({low} to {high})"


def whole_seeds(table: Table) -> list[int]:
    """Seeds of which the table has most trainings."""
    counts = {seed: len(table.of_seed(seed)) for seed in table.seeds}
    return [seed for seed, count in counts.items() if count == max(counts.values())]


def compare(
    benches: Sequence[Bench], methods: Sequence[str], seeds: int, epochs: int
) -> dict[str, Any]:
    """All methods on one table: printed, and returned with their curves.

    Args:
        benches: the table's trainings, a seed each; searches take them in turn.
        methods: names of `METHODS`.
        seeds: searches by each.
        epochs: that a search may spend.
    """
    best = ", ".join(f"{bench.best:.4f}" for bench in benches)
    print(f"\n| {len(benches[0].networks)} networks, best {best} | epochs until 95 % "
          "| epochs until 99 % | share in the end | CPU s |\n|---|---|---|---|---|")  # fmt: skip
    found: dict[str, Any] = {}
    for method in methods:
        began = time.process_time()
        runs = [
            ended(METHODS[method](benches[seed % len(benches)], seed, epochs))
            for seed in range(seeds)
        ]
        took = (time.process_time() - began) / seeds
        reached = {share: quartiles([until(run, share) for run in runs]) for share in SHARES}
        end = float(np.median([run[-1][1] for run in runs]))
        print(
            f"| {method} | {text(reached[0.95])} | {text(reached[0.99])} | {end:.4f} "
            f"| {took:.1f} |",
            flush=True,
        )
        found[method] = {
            "until": {f"{share:.2f}": reached[share] for share in SHARES},
            "end": end,
            "runs": runs,
        }
    return found


def draw(found: dict[str, Any], epochs: int, picture: str) -> None:
    """Medians, with a band between the quartiles."""
    import matplotlib as mpl  # noqa: PLC0415 - only for a picture

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - likewise

    grid = np.arange(0, epochs + 1, 3)
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for method, one in found.items():
        low, middle, high = along(one["runs"], grid)
        (line,) = axes.plot(grid, middle, label=method, linewidth=1.6)
        axes.fill_between(grid, low, high, color=line.get_color(), alpha=0.12)
    axes.set(xlabel="epochs", ylabel="share of the table's hypervolume", ylim=(0.7, 1.005))
    axes.legend(loc="lower right", fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=120)


def main() -> None:
    """Print a table and a last line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", nargs="?", default=str(TABLES / "kw_bench_digits.parquet"))
    parser.add_argument("--seeds", type=int, default=20, help="searches by every method")
    parser.add_argument(
        "--training-seeds", type=int, nargs="+", help="of the table that searches take in turn"
    )
    parser.add_argument("--epochs", type=int, default=1350, help="that a search may spend")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--picture", help="where to draw the curves")
    parser.add_argument("--quick", action="store_true", help="3 seeds, fewer epochs and methods")
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.epochs = 3, 360
        given.methods = [one for one in given.methods if one not in SLOW]
    table = read_table(given.table)
    benches = [Bench(table, seed) for seed in given.training_seeds or whole_seeds(table)]
    found = compare(benches, given.methods, given.seeds, given.epochs)
    if given.picture:
        draw(found, given.epochs, given.picture)
    brief = {
        method: {
            "until": {
                share: [None if epochs == inf else epochs for epochs in quartile]
                for share, quartile in one["until"].items()
            },
            "end": one["end"],
        }
        for method, one in found.items()
    }
    networks = [len(bench.networks) for bench in benches]
    print(json.dumps({"networks": networks, "seeds": given.seeds, "found": brief}))


if __name__ == "__main__":
    main()
