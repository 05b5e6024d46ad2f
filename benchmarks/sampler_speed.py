"""How long the sampler `exact` takes for a proposal among a million drawn networks, on one core.

    python benchmarks/sampler_speed.py [--quick]

A space per stage (ResNet-18), of which 1.7 million networks are drawn; half a million distinct ones
are left. Trials of made-up accuracy, measured after epochs 1, 3 and 9, two thirds of them stopped
earlier, are told to the sampler; then it is asked. Printed are seconds of the processor's time: for
the candidates (once a search), for a proposal after 100 and after 1,000 trials (median, and the one
that finds length scales anew), and the gain of the proposed network as a share of the highest of
all candidates, as boxes that look worse stay closed. The last line is JSON.
"""

import argparse
import importlib
import json
import os
import resource
import time
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.area import Area
from trials.evidence import Observation
from trials.sampling import Known, exact
from trials.sampling.exact import Exact

LIMITS = Limits(max_params=40_000_000)
RUNGS = (1, 3, 9)
DRAWS = 1_700_000


def space() -> Space:
    """Every ratio for each stage: 13 dimensions."""
    ratio = FloatRange(0.125, 4.0, log=True)
    cells = Options((0.25, 0.5, 1.0))
    return Space(
        shipped("resnet18"),
        {
            "cell_num_ratio": ratio,
            "cell_inplane_ratio": cells,
            "cell_outplane_ratio": cells,
            "reduction": Options((0.0625, 0.5, 1.0)),
            "sharing_range": Options(("none", "layer", "stage", "network")),
        },
        "stage",
    )


def sampler(trials: int) -> Exact:
    """The sampler of a search that has had so many trials."""
    known = Known(space(), LIMITS, Area(1_000_000, 40_000_000, 0.8), RUNGS[-1])
    made, rng, number = Exact(known, seed=0, asked=trials), np.random.default_rng(1), 0
    while number < trials:
        values = known.space.draw(rng)
        size = known.space.count(values)
        if size is None or LIMITS.broken(size):
            continue
        reached = RUNGS[: 1 + int(rng.integers(3))]
        luck = rng.normal(0, 0.005)
        curve = tuple(
            (epoch, 0.75 + 0.02 * np.log10(size.params) - 0.05 / epoch + luck, 0.005)
            for epoch in reached
        )
        lacking = 1 - reached[-1] / RUNGS[-1]
        told = Observation(size.params, curve[-1][1], lacking, curve)
        made.restore(number, values, {}, told)
        number += 1
    return made


def asked(made: Exact, times: int) -> list[float]:
    """Seconds of the processor's time of some proposals, one after the other."""
    seconds = []
    for _ in range(times):
        began = time.process_time()
        proposal = made.ask()
        seconds.append(time.process_time() - began)
        made.refuse(proposal.ticket)
    return seconds


def share_of_best(made: Exact) -> float:
    """The highest gain that screening finds, as a share of the highest of all candidates."""
    gain, rough = made.gains()
    every = gain(np.arange(len(made.pool)))
    looked_at = made.screen.best_first(gain, rough)
    return float(every[looked_at[0]] / every.max())


def main() -> None:
    """Print the seconds and a last line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="100,000 draws, 3 proposals")
    given = parser.parse_args()
    times = 3 if given.quick else 9
    exact.CANDIDATES = 100_000 if given.quick else DRAWS
    found: dict[str, float] = {"drawn": exact.CANDIDATES}
    began = time.process_time()
    first = sampler(0)
    first.ask()
    importlib.import_module("sklearn.gaussian_process")  # a second, once
    found["candidates"] = len(first.pool)
    found["seconds_to_draw_and_count"] = time.process_time() - began
    began = time.process_time()
    pool, screen = first.pool, first.screen
    found["seconds_to_sort_into_boxes"] = time.process_time() - began
    for trials in (100, 1_000):
        made = sampler(trials)
        made.candidates = pool
        made.__dict__["screen"] = screen
        seconds = asked(made, times)
        found[f"seconds_after_{trials}_with_length_scales"] = seconds[0]
        found[f"seconds_after_{trials}"] = median(seconds[1:])
        found[f"share_of_the_highest_gain_after_{trials}"] = share_of_best(made)
    found["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in found.items():
        print(f"{name.replace('_', ' '):45} {value:>12,.4g}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
