"""PriMO of NePS, in an environment of its own, as NePS needs other versions than this project.

    python -m venv .venv-neps && .venv-neps/bin/pip install neural-pipeline-search==0.17.0

Without priors of a person, PriMO is MO-ASHA for as many whole trainings as there are settings, and
then a Gaussian process on a random weighting of the objectives. Weights are drawn once a search.
Networks that the table does not have are told as the worst values seen, at no cost; networks that
were trained before are told again, at no cost either.
"""

import json
import subprocess
from collections.abc import Iterator
from math import log
from pathlib import Path
from typing import Any

PYTHON = Path(__file__).parents[2] / ".venv-neps" / "bin" / "python"
VAIN = 3_000
"""Proposals without a new training, after which a search is given up."""


def proposed(replay: Any, seed: int) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - samplers.Replay
    """What is to be trained, and to which epoch."""
    bench = replay.bench
    if not PYTHON.is_file():
        raise SystemExit(f"{PYTHON} is missing: {__doc__}")
    asked = {
        "seed": seed,
        "top": bench.top,
        "dimensions": {name: [*one.values] for name, one in bench.space.dimensions.items()},
    }
    script = Path(__file__).with_name("primo_process.py")
    low, high = log(bench.table.facts.area.low), log(bench.table.facts.area.high)
    with subprocess.Popen(  # noqa: S603 - our own script
        [PYTHON, script, json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        vain = 0
        try:
            while vain < VAIN:
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError("The process of NePS has ended.")
                config = json.loads(line)
                epoch = int(config.pop("epoch"))
                digest = bench.digest(config)
                vain += 1
                told = [1.0, 1.0]
                if digest is not None:
                    if epoch > replay.reached.get(digest, 0):
                        vain = 0
                        yield digest, epoch
                    params, curve = bench.networks[digest]
                    told = [(log(params) - low) / (high - low), 1 - curve[epoch - 1].accuracy]
                process.stdin.write(json.dumps(told) + "\n")
                process.stdin.flush()
        finally:
            process.kill()
