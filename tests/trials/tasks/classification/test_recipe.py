"""Recipes are checked, derived from one another, and scaled to a ladder."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search_spaces import InputError
from trials.fidelity import Ladder
from trials.tasks.classification.recipe import Recipe, digits, for_ladder, recipe_for, small_images


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"momentum": 1.0},
        {"momentum": 0.0},
        {"weight_decay": -1e-4},
        {"warmup_epochs": 10.0},
        {"label_smoothing": 1.0},
        {"padding": -1},
        {"temperature_share": 1.5},
        {"dtype": "float16"},
        {"gradient_clip": 0.0},
        {"lr": 0.1},
        {"attention_start": "random"},
        {"attention_learning_rate": -0.1},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused_with_their_field(wrong: dict[str, object]) -> None:
    field = "nesterov" if wrong == {"momentum": 0.0} else next(iter(wrong))
    with pytest.raises(InputError, match=field):
        small_images(10).changed(**wrong)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InputError, match=r"batch_size.*padding"):
        small_images(10).changed(batch_size=0, padding=-1)


def test_a_recipe_is_frozen_and_survives_json() -> None:
    recipe = digits(9)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    with pytest.raises(ValidationError, match="frozen"):
        recipe.epochs = 3  # type: ignore[misc]  # the point of the test


def test_only_mirror_proof_images_are_mirrored() -> None:
    flips = {name: recipe_for(name, 9).flip for name in ("digits", "svhn", "cifar10", "cifar100")}
    assert flips == {"digits": False, "svhn": False, "cifar10": True, "cifar100": True}


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=5, unique=True).map(sorted),
    st.sampled_from(["digits", "fashion-mnist", "cifar10", "cifar100", "svhn", "/some/folder"]),
    st.integers(1, 300),
)
def test_on_a_ladder_every_rung_is_measured_at_temperature_zero(
    rungs: list[int], source: str, epochs: int
) -> None:
    ladder = Ladder(tuple(rungs))
    recipe = for_ladder(recipe_for(source, epochs), ladder)
    assert recipe.epochs == ladder.top
    assert recipe.temperature_share * ladder.top <= rungs[0] * (1 + 1e-12)
    assert recipe.warmup_epochs < rungs[0]


def test_recipes_and_schedules_are_read_without_torch() -> None:
    program = (
        "import sys\nfrom trials.tasks.classification import data, recipe, schedules\n"
        "assert not {'torch', 'sklearn', 'torchvision'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_facts_tell_recipes_apart_and_old_ones_from_nothing() -> None:
    """Settings that came later are no facts where they ask for what was done before."""
    recipe = small_images(5)
    later = {
        "attention_start": "assigned",
        "attention_learning_rate": 0.1,
        "class_weights": "balanced",
        "quality": "macro_f1",
    }
    assert recipe.facts().keys() == Recipe.model_fields.keys() - later.keys()
    for name, value in {**later, "padding": 1, "epochs": 6}.items():
        changed = recipe.changed(**{name: value}).facts()
        assert changed != recipe.facts()
        assert changed[name] == value
