"""The rates of the cost model on this device: fitted ones where it was measured, else a guess.

``benchmarks/gpu.py`` measures a card and writes a file of it into the folder ``cards`` beside this
module, named after the card. Files are part of the project, so that a choice follows from sizes and
card alone, not from what somebody measured on one machine and not on another.
"""

import json
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any

from search_spaces.errors import plural
from search_spaces.networks.ways.costs import ACCELERATOR, CORES, INFERENCE, Rates

CARDS = Path(__file__).with_name("cards")
"""Where files of measured cards lie."""


@dataclass(frozen=True)
class Card:
    """What was measured on a card.

    Attributes:
        name: as its driver says.
        torch: version of torch.
        date: of the measurement.
        layers: how many layers the rates were fitted to.
        error: median of the relative errors of modelled seconds.
        excess: seconds of the chosen ways over those of the best ones, less one.
        training: rates of training steps, by way.
        inference: rates of forward passes without gradient, by way.
    """

    name: str
    torch: str
    date: str
    layers: int
    error: float
    excess: float
    training: dict[str, Rates]
    inference: dict[str, Rates]

    def values(self) -> dict[str, Any]:
        """As JSON has it: three digits of a rate, null where a count explained nothing."""
        values = asdict(self)
        for kind in ("training", "inference"):
            values[kind] = {
                way: {
                    key: None if rate == inf else float(f"{rate:.3g}") for key, rate in of.items()
                }
                for way, of in values[kind].items()
            }
        return values

    def write(self, folder: Path = CARDS) -> Path:
        """Write the card's file, which replaces one of before."""
        folder.mkdir(exist_ok=True, parents=True)
        path = folder / file_name(self.name)
        path.write_text(json.dumps(self.values(), indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> "Card":
        """Read a card's file."""
        values: dict[str, Any] = json.loads(path.read_bytes())
        for kind in ("training", "inference"):
            values[kind] = {
                way: Rates(**{key: inf if rate is None else rate for key, rate in of.items()})
                for way, of in values[kind].items()
            }
        return cls(**values)


def file_name(card: str) -> str:
    """Name of a card's file."""
    return re.sub(r"[^a-z0-9]+", "-", card.lower()).strip("-") + ".json"


@lru_cache
def card_of(name: str) -> Card | None:
    """What was measured on the card of that name, if anything was."""
    path = CARDS / file_name(name)
    return Card.read(path) if name and path.is_file() else None


def rates_for(device: str, card: str = "", *, trains: bool) -> dict[str, Rates]:
    """The rates of every way that a choice on this kind of device is made of.

    Args:
        device: kind of device, in torch's words.
        card: name of the accelerator.
        trains: whether a gradient is wanted.
    """
    if device == "cpu":
        return CORES if trains else INFERENCE
    found = card_of(card)
    if found is None:
        return ACCELERATOR
    return found.training if trains else found.inference


def origin(card: str) -> str:
    """Where the rates of a card come from, in one sentence."""
    found = card_of(card)
    if found is None:
        return (
            f"No rates were measured on {card or 'this accelerator'}: ways are chosen by a guess. "
            "benchmarks/gpu.py measures them."
        )
    return (
        f"Rates of {card} were measured on {found.date} with torch {found.torch}, on "
        f"{plural(found.layers, 'layer')}."
    )
