"""Rates of the cost model: a guess for a card that nobody measured, and what was measured else."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
import torch

from search_spaces.networks import chooser
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways import IMPLICIT, rates
from search_spaces.networks.ways.costs import ACCELERATOR, CORES, INFERENCE, Rates

SLOW = Rates(1, 1, 1, 1, 1, 1, 1, 1.0)
FAST = Rates(1e5, 1e5, 1e3, inf, 1e3, 1e3, inf, 1e-5)
CARD = rates.Card(
    name="NVIDIA Some Card 80GB",
    torch="2.14.1",
    date="2026-11-27",
    layers=1,
    error=0.1,
    excess=0.02,
    training={"textbook": SLOW, "mix-outputs": FAST},
    inference={"textbook": SLOW, "assemble-implicit": FAST, "mix-inputs": SLOW},
)


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Cards lie in a folder of the test, and nothing read from it is remembered."""
    monkeypatch.setattr(rates, "CARDS", tmp_path)
    for remembered in (rates.card_of, chooser.modelled):
        remembered.cache_clear()
    yield
    for remembered in (rates.card_of, chooser.modelled):
        remembered.cache_clear()


def where(card: str) -> chooser.Situation:
    """A layer of ResNet-18 on that card."""
    layer = Geometry(
        in_channels=64, out_channels=64, groups=1, kernel=(3, 3), stride=(1, 1),
        padding=((1, 1), (1, 1)), dilation=(1, 1), blocks=(9, 1, 1), cell_kernel=(1, 1),
    )  # fmt: skip
    return chooser.Situation(
        geometry=layer, batch=128, size=(56, 56), cells=36, dtype=torch.bfloat16, device="cuda",
        threads=1, trains=True, card=card, kernels=True,
    )  # fmt: skip


def test_a_card_reads_back_what_was_written(tmp_path: Path) -> None:
    path = CARD.write(tmp_path)
    assert path.name == "nvidia-some-card-80gb.json"
    assert rates.Card.read(path) == CARD
    json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_a_card_that_nobody_measured_has_the_guess_and_says_so() -> None:
    assert rates.rates_for("cuda", CARD.name, trains=True) is ACCELERATOR
    assert rates.rates_for("cuda", CARD.name, trains=False) is ACCELERATOR
    assert rates.origin(CARD.name) == (
        "No rates were measured on NVIDIA Some Card 80GB: ways are chosen by a guess. "
        "benchmarks/gpu.py measures them."
    )
    assert set(IMPLICIT) <= set(ACCELERATOR)


def test_a_measured_card_has_its_own_rates_and_says_when(tmp_path: Path) -> None:
    CARD.write(tmp_path)
    assert rates.rates_for("cuda", CARD.name, trains=True) == CARD.training
    assert rates.rates_for("cuda", CARD.name, trains=False) == CARD.inference
    assert rates.rates_for("cuda", "Another", trains=True) is ACCELERATOR
    assert rates.origin(CARD.name) == (
        "Rates of NVIDIA Some Card 80GB were measured on 2026-11-27 with torch 2.14.1, on 1 layer."
    )


def test_a_cpu_has_the_rates_of_cores() -> None:
    assert rates.rates_for("cpu", trains=True) is CORES
    assert rates.rates_for("cpu", trains=False) is INFERENCE


def test_choices_follow_the_rates_of_the_card(tmp_path: Path) -> None:
    CARD.write(tmp_path)
    measured, other = where(CARD.name), where("Another")
    assert chooser.modelled(measured) == "mix-outputs"
    assert chooser.modelled(replace(measured, trains=False)) == "assemble-implicit"
    assert chooser.modelled(replace(measured, trains=False, kernels=False)) == "textbook"
    assert {name for name, _ in chooser.ranked(measured)} == set(CARD.training)
    assert {name for name, _ in chooser.ranked(other)} == set(ACCELERATOR)


def test_a_way_that_a_card_could_not_time_is_left_out(tmp_path: Path) -> None:
    """The textbook way, say, for want of memory; and it is taken where no other is known."""
    one = {"mix-outputs": SLOW}
    replace(CARD, training=one, inference=one).write(tmp_path)
    measured = replace(where(CARD.name), trains=False)
    assert chooser.modelled(measured) == "mix-outputs"
    depthwise = replace(measured.geometry, groups=64, blocks=(9, 1, 1))
    assert chooser.modelled(replace(measured, geometry=depthwise)) == "textbook"


def test_the_cards_that_are_shipped_can_be_read() -> None:
    folder = Path(rates.__file__).with_name("cards")
    for path in folder.glob("*.json"):
        card = rates.Card.read(path)
        assert path.name == rates.file_name(card.name)
        assert {"textbook", *IMPLICIT} <= set(card.training)
