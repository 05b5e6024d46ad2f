"""Database files that are damaged, locked, on a full disk or on a network: said, and left alone."""

import os
import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.fault


@pytest.fixture
def searched(file_place, undisturbed_folder):
    """A place whose study is searched already."""
    shutil.copytree(undisturbed_folder, file_place.folder, dirs_exist_ok=True)
    return file_place


def pages(content, change):
    """The content with a page in its middle changed."""
    at = len(content) // 4096 // 2 * 4096
    return content[:at] + change + content[at + 4096 :]


DAMAGES = {
    "cut short": lambda content: content[: len(content) * 2 // 3],
    "a page of zeros": lambda content: pages(content, bytes(4096)),
    "a page of noise": lambda content: pages(content, random.Random(1).randbytes(4096)),  # noqa: S311 - not a secret
    "noise": lambda content: random.Random(2).randbytes(len(content)),  # noqa: S311 - likewise
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_ends_with_7_and_is_left_as_it_is(searched, damage):
    """Whoever would write looks at every page first; whoever reads says so where it meets it."""
    file = searched.folder / "kw.db"
    broken = DAMAGES[damage](file.read_bytes())
    file.write_bytes(broken)
    writing = [("resume", "tiny", "--trials", "22"), ("database", "check")]
    if broken:
        writing.append(("search", "tiny.toml", "--name", "other"))
    for words in writing:
        talk = searched.run(*words, code=7).talk
        assert str(file) in talk or "in the database" in talk or "faults were found" in talk
        assert file.read_bytes() == broken
    whole = damage in ("noise", "empty")
    for words in (("status", "tiny"), ("front", "tiny"), ("trials", "tiny")):
        process = searched.start(*words)
        process.join()
        assert process.exitcode in ((7,) if whole else (0, 7)), process.talk
        assert file.read_bytes() == broken
    assert not list(searched.folder.glob("kw.db-*"))


def test_a_short_lock_goes_unnoticed(file_place, undisturbed):
    """Another process holds the file for a second or two."""
    process = file_place.start("search", "tiny.toml")
    process.reached(2)
    for seconds in (0.5, 1.5):
        with sqlite3.connect(file_place.folder / "kw.db", isolation_level=None, timeout=120) as raw:
            raw.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            raw.execute("ROLLBACK")
        raw.close()
    process.ended(0)
    file_place.sound()
    assert file_place.table() == undisturbed[0]


def test_a_long_lock_ends_the_search_with_its_cure(file_place, undisturbed):
    """Exit 3; it goes on when the lock is gone."""
    impatient = "import trials.store.connection.sqlite as s; s.PATIENCE = 1.0"
    process = file_place.start("search", "tiny.toml", first=impatient)
    process.reached(2)
    raw = sqlite3.connect(file_place.folder / "kw.db", isolation_level=None, timeout=120)
    raw.execute("BEGIN EXCLUSIVE")
    talk = process.ended(3).talk
    assert "locked by another process for 1 s" in talk
    assert "end it" in talk
    raw.execute("ROLLBACK")
    raw.close()
    file_place.sound()
    file_place.run("resume", "tiny", "--steal")
    assert file_place.table() == undisturbed[0]


def test_a_reader_that_takes_its_time_does_not_stop_a_search(file_place, undisturbed):
    """Reports and dashboards read beside it; each sees whole transactions."""
    process = file_place.start("search", "tiny.toml")
    process.reached(1)
    while process.exitcode is None:
        file_place.sound()
        file_place.run("front", "tiny", "--json")
        time.sleep(0.2)
    process.ended(0)
    file_place.run("report", "tiny", "-o", "page.html")
    assert file_place.table() == undisturbed[0]


@pytest.fixture
def small_disk(file_place):
    """A place whose database lies on a disk of its own; call it to change the bytes of that."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not unmount:
        pytest.skip("only root may mount a small disk")
    disk = file_place.folder / "disk"
    disk.mkdir()
    command = [mount, "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    file_place.url = f"sqlite:///{disk}/kw.db"

    def grow(size):
        subprocess.run([mount, "-o", f"remount,size={size}", str(disk)], check=True)

    yield file_place, disk, grow
    subprocess.run([unmount, "--lazy", str(disk)], check=True)


def test_a_full_disk_ends_the_search_and_it_goes_on_when_there_is_space(small_disk, undisturbed):
    """Exit 3 with the path and what is needed; what was measured before stays."""
    place, disk, grow = small_disk
    process = place.start("search", "tiny.toml")
    process.reached(2)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    talk = process.ended(3).talk
    assert "no space left" in talk.lower()
    assert str(disk / "kw.db") in talk
    assert "bytes are free, at least" in talk
    place.sound()
    place.run("resume", "tiny", "--steal", code=3)
    place.sound()
    grow("16m")
    place.run("resume", "tiny", "--steal")
    place.sound()
    assert place.table() == undisturbed[0]
    assert place.measured() == undisturbed[1]


def test_a_disk_that_is_full_from_the_start_makes_no_study(small_disk):
    """Nor a file that would be taken for one."""
    place, disk, grow = small_disk
    (disk / "filler").write_bytes(b"x" * 160 * 1024)
    place.run("search", "tiny.toml", code=3)
    grow("16m")
    place.run("search", "tiny.toml", "--trials", "2")
    place.sound()


def test_sqlite_on_a_network_file_system_is_refused_with_the_cure(file_place):
    """Before anything is created; the mounts are the machine's own but for one line."""
    folder = str(file_place.folder)
    table = Path("/proc/self/mounts")
    mounts = table.read_text(encoding="utf-8") if table.is_file() else ""
    (file_place.folder / "mounts").write_text(f"{mounts}server:/export {folder} nfs4 rw 0 0\n")
    first = "import trials.store.connection.filesystem as f; f.MOUNTS = f.Path('mounts')"
    talk = file_place.run("search", "tiny.toml", first=first, code=3).talk
    assert "network file system (nfs4)" in talk
    assert "PostgreSQL" in talk
    assert not (file_place.folder / "kw.db").exists()
