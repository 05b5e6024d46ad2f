"""Two samplers on a preset, trained: epochs and seconds until the other's front.

Both search the same study (same space, budget, images, recipe, promotion and seed) one after the
other, one trial and one thread at a time, without plain networks. A search is charged every epoch
that it trains; its hypervolume is that of what it has trained to the top, over log-parameters.

    python benchmarks/presets.py quickstart --seeds 0 1 2
    python benchmarks/presets.py fashion-mnist --samplers exact exact/model
    python benchmarks/presets.py --quick

A promotion other than the study's own stands after a slash. *Until* is when a search's front first
encloses what the other one's does in the end; - is never.
The last line is JSON, with every step of every search.
"""

import argparse
import json
import os
import tempfile
import time
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kwsearch import api
from kwsearch.settings import from_plain, to_plain
from trials.search import SearchProgress

CLOSE = 1e-9
"""Hypervolumes that are this close are the same: sums differ by rounding."""


@dataclass(frozen=True)
class Step:
    """A search after one of its trials: trials, epochs and seconds so far, and its front."""

    trials: int
    epochs: int
    seconds: float
    hypervolume: float


@dataclass(frozen=True)
class Search:
    """A whole search."""

    sampler: str
    seed: int
    steps: list[Step]
    turned_down: int

    def until(self, hypervolume: float) -> Step | None:
        """The first step whose front encloses as much."""
        return next((s for s in self.steps if s.hypervolume >= hypervolume - CLOSE), None)


def search(study: dict[str, Any], sampler: str, seed: int) -> Search:
    """Search in a folder of its own, which is where it is started."""
    plain = deepcopy(study)
    name, _, promotion = sampler.partition("/")
    plain["search"] |= {"sampler": name, "seed": seed}
    if promotion:
        plain["search"]["promotion"] = promotion
    plain["baselines"]["seeds"] = 0
    plain["execution"] |= {"threads": 1, "workers": 1}
    steps: list[Step] = []
    epochs: dict[int, int] = {}
    turned_down = 0
    started = time.monotonic()

    def watch(now: SearchProgress) -> None:
        nonlocal turned_down
        turned_down = now.refused
        if now.measured is not None:
            epochs[now.last.number] = now.measured.epoch
        seconds = time.monotonic() - started
        steps.append(Step(now.finished, sum(epochs.values()), seconds, now.hypervolume))

    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            api.search(from_plain(plain, "options"), database="search.db", watch=watch)
        finally:
            os.chdir(here)
    return Search(sampler, seed, steps, turned_down)


def _short(study: dict[str, Any]) -> dict[str, Any]:
    """One trial of one epoch."""
    short = deepcopy(study)
    short["proxy"]["epochs"], short["search"]["trials"] = [1], 1
    return short


def row(one: Search, other: Search) -> str:
    """A line of the table."""
    end, then = one.steps[-1], one.until(other.steps[-1].hypervolume)
    until = "-" if then is None else f"{then.epochs} ({then.seconds:.0f} s)"
    return (
        f"| {one.sampler} | {one.seed} | {end.trials} | {one.turned_down} | {end.epochs} "
        f"| {end.seconds:.0f} | {end.hypervolume:.4f} | {until} |"
    )


def main() -> None:
    """Print a table and a last line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("study", nargs="?", default="quickstart", help="a study file or a preset")
    parser.add_argument("--samplers", nargs=2, default=["tpe", "exact"], metavar="SAMPLER")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--trials", type=int, help="of each search; the study's own if unset")
    parser.add_argument("--files", type=Path, help="the folder of a named dataset")
    parser.add_argument("--quick", action="store_true", help="the quickstart, 6 trials, 2 epochs")
    given = parser.parse_args()
    study = to_plain(api.settings(given.study))
    if given.quick:
        study["proxy"]["epochs"], given.trials = [1, 2], 6
    if given.trials:
        study["search"]["trials"] = given.trials
    if given.files:
        study["proxy"]["folder"] = str(given.files.resolve())
    print("| sampler | seed | trials | turned down | epochs | seconds | hypervolume | until |")
    print("|---" * 8 + "|")
    pairs: list[Search] = []
    search(_short(study), given.samplers[0], 0)  # modules and images are loaded
    for seed in given.seeds:
        one, other = (search(study, sampler, seed) for sampler in given.samplers)
        pairs += [one, other]
        print(row(one, other), row(other, one), sep="\n", flush=True)
    print(json.dumps({"searches": [asdict(pair) for pair in pairs]}))


if __name__ == "__main__":
    main()
