"""Which checkpoints lie where, and which of them stay."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trials.checkpoints import Checkpoints
from trials.files import file_sha256

CREATED = datetime(2026, 11, 24, 10, 41, 0, 123456, tzinfo=UTC)


def study(created: datetime = CREATED) -> Any:
    return SimpleNamespace(name="study", created_at=created)


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoints:
    """Checkpoints of trials 1 and 12, and files that are none of theirs."""
    made = Checkpoints.of(study(), tmp_path)
    made.path(1, 1).parent.mkdir(parents=True)
    for number, epoch in ((1, 1), (1, 3), (1, 27), (12, 1), (12, 3)):
        made.path(number, epoch).write_text(f"{number} after {epoch}")
    for name in (".1-9.safetensors.abc", "notes.txt", "1-x.safetensors", "1-3.bin"):
        (made.path(1, 1).parent / name).write_text("something else")
    return made


def names(kept: Checkpoints) -> list[str]:
    return sorted(path.name for path in kept.path(0, 0).parent.iterdir())


def test_a_study_created_again_has_another_folder(tmp_path: Path) -> None:
    """And one created at the same moment, told in another zone, the same."""
    one = Checkpoints.of(study(), tmp_path)
    assert one.subfolder == "study/checkpoints/20261124T104100123456"
    assert Checkpoints.of(study(CREATED + timedelta(microseconds=1)), tmp_path) != one
    zone = timezone(timedelta(hours=5))
    assert Checkpoints.of(study(CREATED.astimezone(zone)), tmp_path) == one


def test_a_trials_checkpoints_come_newest_first(kept: Checkpoints) -> None:
    assert kept.of_trial(1) == [kept.path(1, epoch) for epoch in (27, 3, 1)]
    assert kept.of_trial(2) == []
    assert replace(kept, subfolder="nowhere").of_trial(1) == []


def test_two_rungs_stay_while_a_trial_runs(kept: Checkpoints) -> None:
    kept.thin(1)
    kept.thin(12)
    assert kept.of_trial(1) == [kept.path(1, 27), kept.path(1, 3)]
    assert len(kept.of_trial(12)) == 2


def test_weights_are_named_by_their_path_in_the_runs_folder(kept: Checkpoints) -> None:
    found = kept.weights(1, 27)
    assert found is not None
    assert found.path == f"{kept.subfolder}/1-27.safetensors"
    assert (kept.runs / found.path).stat().st_size == found.bytes
    assert found.sha256 == file_sha256(kept.path(1, 27))
    assert kept.weights(1, 9) is None


def test_of_a_finished_trial_only_what_is_kept_stays(kept: Checkpoints) -> None:
    kept.forget(1, kept.weights(1, 27))
    kept.forget(12)
    assert kept.of_trial(1) == [kept.path(1, 27)]
    assert kept.of_trial(12) == []


def test_a_sweep_takes_drafts_and_trials_that_are_over_and_nothing_else(kept: Checkpoints) -> None:
    weights = kept.weights(1, 27)
    assert weights is not None
    kept.sweep([12], [weights])
    assert names(kept) == [
        "1-27.safetensors",
        "1-3.bin",
        "1-x.safetensors",
        "12-1.safetensors",
        "12-3.safetensors",
        "notes.txt",
    ]
