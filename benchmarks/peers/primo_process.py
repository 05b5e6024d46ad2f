"""Asks PriMO of NePS, and tells it: a line of JSON each. Run by `peers/primo.py`."""

import json
import random
import sys

import neps
import numpy as np
import torch
from neps.optimizers.algorithms import primo
from neps.optimizers.ask_and_tell import AskAndTell
from neps.space import SearchSpace
from neps.space.parameters import HPOCategorical, HPOInteger

assert neps


def main() -> None:
    """Propose until the other side has had enough."""
    asked = json.loads(sys.argv[1])
    for seeded in (random.seed, np.random.seed, torch.manual_seed):
        seeded(asked["seed"])
    torch.set_num_threads(1)
    elements = {name: HPOCategorical(values) for name, values in asked["dimensions"].items()}
    elements["epoch"] = HPOInteger(1, asked["top"], is_fidelity=True)
    search = AskAndTell(primo(SearchSpace(elements), prior_centers={}))
    while True:
        trial = search.ask()
        print(json.dumps(dict(trial.config)), flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        search.tell(trial, json.loads(line))


if __name__ == "__main__":
    main()
