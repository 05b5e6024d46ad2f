"""Files and folders are whole or not there, whatever happens while they are written."""

from pathlib import Path

import pytest

from trials.errors import StorageError
from trials.files import file_sha256, new_folder, write_whole


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    for text in (b"old", b"new"):
        assert write_whole(path, lambda file, raw=text: file.write(raw)) == path
        assert path.read_bytes() == text


@pytest.mark.parametrize("when", ["writing", "syncing"])
def test_a_full_disk_leaves_the_old_file_and_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        if when == "syncing":
            patch.setattr("os.fsync", full)
        write = full if when == "writing" else lambda file: file.write(b"new")
        with pytest.raises(StorageError, match=r"file cannot .* No space .* needs 1,234 bytes"):
            write_whole(path, write, need=1234)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_with_everything_in_it(tmp_path: Path) -> None:
    final = tmp_path / "deep" / "folder"
    with new_folder(final) as draft:
        (draft / "a").write_text("a")
        assert not final.exists()
    assert [p.name for p in final.iterdir()] == ["a"]
    assert [p.name for p in final.parent.iterdir()] == ["folder"]


def test_a_folder_that_cannot_be_filled_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        with new_folder(folder) as draft:
            (draft / "a").write_text("a")
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed"):
        fill(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "file") == known
