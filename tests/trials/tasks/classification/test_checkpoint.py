"""A checkpoint is read back as it was written, or not at all; nothing in it is run."""

import os
import pickle
import resource
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from trials.errors import DamagedDataError, StorageError
from trials.records import Measurement
from trials.tasks.classification.checkpoint import (
    Checkpoint,
    latest,
    read_checkpoint,
    write_checkpoint,
)
from trials.tasks.contract import identity_of

MEASURED = Measurement(1, 0.1 + 0.2, 1e-17, 2.5, 100, 0.125)


def checkpoint(epoch: int = 1, identity: str = "this") -> Checkpoint:
    tensors = {
        "conv.weight": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "counts": torch.arange(5),
        "half": torch.randn(3, dtype=torch.bfloat16),
        "mask": torch.tensor([True, False]),
        "tied": torch.ones(2),
    }
    tensors["tied again"] = tensors["tied"]
    return Checkpoint(identity, epoch, 45 * epoch, 1.5, (MEASURED,), tensors)


@pytest.fixture
def folder() -> Iterator[Path]:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of its own
    with tempfile.TemporaryDirectory(prefix="kw-", dir=memory) as made:
        yield Path(made)


def test_what_was_written_is_read(folder: Path) -> None:
    """Bit by bit, numbers included, whatever the layout in memory."""
    written = checkpoint()
    write_checkpoint(folder / "1-1.safetensors", written)
    found = read_checkpoint(folder / "1-1.safetensors")
    assert (found.identity, found.epoch, found.step, found.seconds) == ("this", 1, 45, 1.5)
    assert found.measurements == (MEASURED,)
    assert found.tensors.keys() == written.tensors.keys()
    for name, tensor in written.tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)


def test_a_checkpoint_can_be_loaded_as_a_file_of_weights(folder: Path) -> None:
    written = checkpoint().only(["conv.weight", "counts"])
    write_checkpoint(folder / "a.safetensors", written)
    assert load_file(folder / "a.safetensors").keys() == {"conv.weight", "counts"}


@settings(
    max_examples=60,
    # one folder for all lengths: every example writes the file anew
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_at_any_length_is_passed_over_for_the_one_before(
    folder: Path, share: float
) -> None:
    paths = [folder / f"7-{epoch}.safetensors" for epoch in (3, 1)]
    for path, epoch in zip(paths, (3, 1), strict=True):
        write_checkpoint(path, checkpoint(epoch))
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DamagedDataError, match="7-3"):
        read_checkpoint(paths[0])
    found = latest(paths, "this")
    assert found is not None
    assert found.epoch == 1


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # likewise
)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_file_with_another_byte_anywhere_is_passed_over(
    folder: Path, share: float, flip: int
) -> None:
    path = folder / "7-3.safetensors"
    write_checkpoint(path, checkpoint(3))
    raw = bytearray(path.read_bytes())
    raw[int(share * len(raw))] ^= flip
    path.write_bytes(raw)
    found = latest([path], "this")
    # a changed space between two words of the header changes nothing that is read
    assert found is None or found.tensors.keys() == checkpoint().tensors.keys()
    if found is not None:
        assert torch.equal(found.tensors["counts"], torch.arange(5))


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return os.mkdir, (self.place,)


def test_a_pickle_in_place_of_a_checkpoint_runs_nothing(folder: Path) -> None:
    mark = folder / "mark"
    for name, raw in (("1-1", pickle.dumps(Bomb(mark))), ("1-3", b""), ("1-9", b"\0" * 64)):
        (folder / f"{name}.safetensors").write_bytes(raw)
    torch.save({"weights": Bomb(mark)}, folder / "1-27.safetensors")
    (folder / "1-81.safetensors").mkdir()
    paths = [folder / f"1-{epoch}.safetensors" for epoch in (81, 27, 9, 3, 1, 0)]
    for path in paths:
        with pytest.raises(DamagedDataError):
            read_checkpoint(path)
    assert latest(paths, "this") is None
    assert not mark.exists()


@pytest.mark.parametrize(
    "header",
    [
        None,
        {},
        {"format": "kwsearch training 1"},
        {"format": "another", "state": "{}", "sha256": ""},
        {"format": "kwsearch training 1", "state": "[]", "sha256": ""},
    ],
)
def test_tensors_of_someone_else_are_no_checkpoint(
    folder: Path, header: dict[str, str] | None
) -> None:
    save_file({"weight": torch.ones(2)}, folder / "1-1.safetensors", header)
    with pytest.raises(DamagedDataError, match="no whole checkpoint"):
        read_checkpoint(folder / "1-1.safetensors")


def test_a_checkpoint_of_another_training_is_passed_over(folder: Path) -> None:
    for epoch, identity in ((1, "this"), (3, "another")):
        write_checkpoint(folder / f"{epoch}", checkpoint(epoch, identity))
    found = latest([folder / "3", folder / "1"], "this")
    assert found is not None
    assert found.epoch == 1


def test_an_identity_follows_from_every_fact() -> None:
    facts = {"network": "abc", "seed": 1, "rungs": (1, 3), "recipe": {"a": 0.1}}
    assert identity_of(**facts) == identity_of(**dict(reversed(facts.items())))
    changed = [identity_of(**{**facts, name: None}) for name in facts]
    assert len({identity_of(**facts), *changed}) == 5


def test_a_full_disk_names_path_and_need_and_leaves_no_half_file(folder: Path) -> None:
    write_checkpoint(folder / "1-1.safetensors", checkpoint())
    size = (folder / "1-1.safetensors").stat().st_size
    told = f"{folder}/1-3.safetensors cannot be written: File too large; it needs {size:,}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
    try:
        with pytest.raises(StorageError) as caught:
            write_checkpoint(folder / "1-3.safetensors", checkpoint(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.cause.startswith(told)
    assert caught.value.exit_code == 3
    assert [path.name for path in folder.iterdir()] == ["1-1.safetensors"]
