"""How fast configurations of ResNet-18 are planned and counted, beside building them with torch.

    python benchmarks/count_configs.py [--rows 20000] [--one-by-one 500]

Prints configurations per second one by one (plan and budget of each), at once (from the same
`NetworkConfig` objects) and in columns (from arrays of ratios), the seconds that building one
network with torch takes, and the same numbers as JSON on the last line. Everything runs on one
core. The counts of the ways are compared before they are timed.
"""

import argparse
import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from search_spaces import InfeasibleError, NetworkConfig, count
from search_spaces.backbones import shipped
from search_spaces.counting import INFEASIBLE, count_configs, count_many
from search_spaces.sites import SHARING_RANGES
from search_spaces.warehouse import exact

BACKBONE = "resnet18"


def random_configs(rows: int) -> list[NetworkConfig]:
    """Configurations as a search proposes them: per stage, multipliers on a logarithmic range."""
    rng = np.random.default_rng(0)
    stages = len(shipped(BACKBONE).stages)
    cells = [0.25, 0.5, 1.0]
    ranges = [SHARING_RANGES[name] for name in ("none", "layer", "stage")]
    return [
        NetworkConfig(
            backbone=BACKBONE,
            granularity="stage",
            cell_num_ratio=tuple(np.exp(rng.uniform(np.log(0.125), np.log(4), stages)).tolist()),
            cell_inplane_ratio=float(rng.choice(cells)),
            cell_outplane_ratio=float(rng.choice(cells)),
            reduction=float(rng.choice([0.03125, 0.0625, 0.125])),
            nonlocal_basis_ratio=float(rng.choice([0.0625, 1.0])),
            sharing_range=ranges[rng.integers(len(ranges))],
        )
        for _ in range(rows)
    ]


def one_by_one(configs: list[NetworkConfig]) -> list[int]:
    """Parameters of each configuration by its own plan."""
    table = shipped(BACKBONE)
    sizes = []
    for config in configs:
        try:
            sizes.append(count(config, table).params)
        except InfeasibleError:
            sizes.append(INFEASIBLE)
    return sizes


def best_seconds(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes, best of three, with nothing remembered from before."""
    times = []
    for _ in range(3):
        exact.cache_clear()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def build_seconds() -> float:
    """Seconds to build the network of one configuration with torch, best of three."""
    import torch  # noqa: PLC0415 - the counts above are made without torch

    from search_spaces.networks import build  # noqa: PLC0415 - likewise

    torch.set_num_threads(1)
    config = NetworkConfig(backbone=BACKBONE, sharing_range=("layer", "conv"))
    assert sum(p.numel() for p in build(config).parameters()) == count(config).params
    return best_seconds(lambda: build(config))


def main() -> None:
    """Time the three ways and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000, help="configurations counted at once")
    parser.add_argument("--one-by-one", type=int, default=500, help="configurations counted singly")
    parser.add_argument("--quick", action="store_true", help="a tenth of both")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.one_by_one = options.rows // 10, options.one_by_one // 10

    table, configs = shipped(BACKBONE), random_configs(options.rows)
    singles = configs[: options.one_by_one]
    assert count_configs(singles, table).params.tolist() == one_by_one(singles)

    single = best_seconds(lambda: one_by_one(singles)) / len(singles)
    at_once = best_seconds(lambda: count_configs(configs, table)) / len(configs)
    columns = {"cell_num_ratio": np.array([config.cell_num_ratio for config in configs])}
    in_columns = best_seconds(lambda: count_many(table, columns, granularity="stage")) / len(
        configs
    )
    feasible = count_configs(configs, table).feasible.mean()

    rows = {
        "configs_per_second_one_by_one": round(1 / single),
        "configs_per_second_at_once": round(1 / at_once),
        "configs_per_second_columns": round(1 / in_columns),
        "seconds_to_build_one_with_torch": round(build_seconds(), 4),
        "feasible_share": round(float(feasible), 4),
        "rows": options.rows,
    }
    for name, value in rows.items():
        print(f"{name.replace('_', ' '):34} {value:>12,}")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
