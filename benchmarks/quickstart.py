"""Does KernelWarehouse pay on the digits? The quickstart's study in several variants.

Each variant is a study of its own: some networks of the quickstart's space, all trained to the end,
and plain networks from three seeds beside them. Fewer training images make the task harder and
leave more images to measure on.

    python benchmarks/quickstart.py --database variants.db [--only images-150 resnet8]

prints a row a variant and, below, the sentence that `kwsearch search` ends with. A variant that the
database has is not searched again. The last line is JSON.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from kwsearch import api
from kwsearch.presets import quickstart
from kwsearch.settings import to_plain

BASE: dict[str, dict[str, Any]] = {
    "budget": {"max_params": 80_000},
    "proxy": {"epochs": [27], "validation_share": 0.8},
    "search": {"trials": 16, "promotion": "none", "accuracy_floor": 0.5},
}
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "epochs-9": {"proxy": {"epochs": [9]}},
    "epochs-27": {},
    "crops": {"proxy": {"crop_padding": 1}},
    "crops-mirrored": {"proxy": {"crop_padding": 1, "flip": True, "validation_share": 0.7}},
    "images-150": {"proxy": {"epochs": [40], "validation_share": 0.9, "batch_size": 16}},
    "images-60": {
        "proxy": {"epochs": [60], "validation_share": 0.9, "training_share": 0.4, "batch_size": 8},
        "search": {"trials": 12},
    },
    "resnet8x0.25": {"space": {"backbone": "resnet8x0.25"}, "budget": {"max_params": 40_000}},
    "resnet8": {"space": {"backbone": "resnet8"}},
    "resnet8x2": {
        "space": {"backbone": "resnet8x2"},
        "proxy": {"epochs": [18]},
        "search": {"trials": 10},
        "baselines": {"seeds": 2},
    },
    "resnet20x0.5": {"space": {"backbone": "resnet20x0.5"}, "proxy": {"epochs": [18]}},
    "plain-start": {"proxy": {"epochs": [9], "start": "plain"}},
    "temperature": {
        "space": {"cell_num_ratio": [0.125, 0.25]},
        "proxy": {
            "attention_start": "temperature",
            "epochs": [3],
            "validation_share": 0.4,
            "batch_size": 64,
        },
        "search": {"trials": 3},
        "baselines": {"networks": []},
    },
}


def main() -> None:
    """Search what is asked for and print a row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", default="variants.db")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=[*VARIANTS])
    parser.add_argument("--quick", action="store_true", help="the variant temperature alone")
    asked = parser.parse_args()
    if asked.quick:
        asked.database, asked.only = str(Path(tempfile.mkdtemp()) / "variants.db"), ["temperature"]
    sentences, facts = [], {}
    print("| variant | plain | gain | size that reaches it | against the ladder | CPU seconds |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in asked.only:
        begun = time.process_time()
        if name not in known(asked.database):
            api.search(settings(name), database=asked.database)
        found = api.pays(name, database=asked.database)
        print(row(name, found, time.process_time() - begun), flush=True)
        sentences.append(f"{name}: {found['sentence']}")
        facts[name] = {"gain": found["plain"]["gain"], "share": found["plain"]["share"]}
    print("", *sentences, sep="\n")
    print(json.dumps(facts))


def settings(name: str) -> dict[str, Any]:
    """The quickstart's, changed by `BASE` and the variant."""
    plain = {**to_plain(quickstart()), "name": name}
    for changes in (BASE, VARIANTS[name]):
        for section, values in changes.items():
            plain[section] = {**plain[section], **values}
    return plain


def known(database: str) -> set[str]:
    """Studies that the database has."""
    if not Path(database).exists():
        return set()
    return {row["study"] for row in api.studies(database=database)}


def row(name: str, found: dict[str, Any], seconds: float) -> str:
    """A row of the table: accuracies in per cent, differences in points."""
    plain = found["plain"]
    share = plain["share"]
    cells = (
        name,
        f"{100 * plain['accuracy']['value']:.1f}",
        points(plain["gain"]),
        "none" if share is None else f"{share['value']:.2f}",
        points(found["ladder_gain"]),
        f"{seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def points(gain: dict[str, float] | None) -> str:
    """A difference with its interval."""
    if gain is None:
        return "-"
    value, low, high = (100 * gain[end] for end in ("value", "low", "high"))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


if __name__ == "__main__":
    main()
