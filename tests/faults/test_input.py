"""Study files, names, numbers and paths that mean harm or nothing: refused, nothing touched."""

import hashlib
import os
import shutil

import pytest

from trials.store import open_store

pytestmark = pytest.mark.fault

MINIMAL = '[space]\nbackbone = "resnet8"\n'
FILES = {
    "an unknown key": (MINIMAL + "[serach]\ntrials = 3", "serach"),
    "a wrong type": (MINIMAL + '[search]\ntrials = "many"', "search.trials"),
    "a key twice": (MINIMAL + 'backbone = "resnet14"', "twice"),
    "a byte order mark": (b"\xef\xbb\xbf" + MINIMAL.encode(), "byte order mark"),
    "not a number": (MINIMAL + "[proxy]\nlearning_rate = nan", "proxy.learning_rate"),
    "beyond all numbers": (MINIMAL + "[proxy]\nlearning_rate = 1e400", "proxy.learning_rate"),
    "another encoding": (b'name = "\xe9"\n' + MINIMAL.encode(), "0xe9"),
    "depth": ("a = " + "[" * 100_000 + "]" * 100_000, "deep"),
    "a name that leads elsewhere": ('name = "../x"\n' + MINIMAL, "../x"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_malformed_study_file_ends_with_2_and_creates_nothing(file_place, what):
    """With file and key."""
    content, said = FILES[what]
    file = file_place.folder / "bad.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    talk = file_place.run("search", "bad.toml", code=2).talk
    assert "bad.toml" in talk
    assert said in talk
    assert not (file_place.folder / "kw.db").exists()
    assert not (file_place.folder / "runs").exists()


def test_all_faults_of_a_study_file_are_told_at_once(file_place):
    """A line each, then one cure."""
    text = MINIMAL + '[proxy]\nepochs = []\ndata = 3\n[search]\ntrails = 3\nsampler = "tpee"\n'
    (file_place.folder / "bad.toml").write_text(text)
    process = file_place.start("search", "bad.toml")
    process.join()
    assert process.exitcode == 2
    *causes, cure = process.talk.strip().splitlines()
    assert len(causes) == 4
    assert all(line.startswith("error: bad.toml: ") for line in causes)
    assert "kwsearch init" in cure


SHORT_OF_MEMORY = """
import resource
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 500 * 10**6
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
"""


@pytest.mark.parametrize("size", [10**9, 10**12])
def test_a_huge_study_file_is_refused_unread(file_place, size):
    """In a process that has no memory for it."""
    file = file_place.folder / "huge.toml"
    file.touch()
    os.truncate(file, size)
    talk = file_place.run("search", "huge.toml", code=2, first=SHORT_OF_MEMORY).talk
    assert "huge.toml" in talk


def test_a_folder_is_no_study_file(file_place):
    """Nor is a file that is not there."""
    (file_place.folder / "study.toml").mkdir()
    assert "is a folder" in file_place.run("search", "study.toml", code=2).talk
    assert "no file" in file_place.run("search", "absent.toml", code=2).talk


NAMES = ["../x", "/etc/x", "", ".hidden", "a b", "x" * 101, "'; DROP TABLE kw_trial; --", "<b>"]


@pytest.fixture
def searched(file_place, undisturbed_folder):
    """A place whose study is searched already."""
    shutil.copytree(undisturbed_folder, file_place.folder, dirs_exist_ok=True)
    return file_place


def state(folder):
    """Every file under a folder with its content."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".out", ".talk")
    }


def test_names_that_break_the_rule_are_refused_by_every_command(searched):
    """And nothing is touched; words with SQL in them are words."""
    before = state(searched.folder)
    for name in NAMES:
        searched.run("search", "tiny.toml", "--name", name, code=2)
    for verb in ("front", "status", "resume", "report", "trials", "best"):
        searched.run(verb, NAMES[0], code=2)
        searched.run(verb, NAMES[6], code=2)
    searched.run("front", "tiny", "--max-params", "1; DROP TABLE kw_trial", code=2)
    process = searched.start("front", "tiny", "--min-accuracy", "nan")
    process.join()
    assert process.exitcode == 2
    searched.run("database", "check", "../x", code=2)
    searched.run("database", "merge", "kw.db", "--rename", "tiny=../x", code=2)
    assert state(searched.folder) == before
    searched.sound()


def test_reports_write_nothing_into_the_database(searched):
    """Not a byte of it, whatever is asked."""
    file = searched.folder / "kw.db"
    before = file.read_bytes(), file.stat().st_mtime_ns
    for words in (
        ("studies",),
        ("status", "tiny"),
        ("front", "tiny", "--knee"),
        ("best", "tiny"),
        ("trials", "tiny", "--csv"),
        ("show", "tiny", "0"),
        ("compare", "tiny:0", "tiny:1"),
        ("report", "tiny"),
        ("database", "check"),
    ):
        searched.run(*words)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_an_export_touches_nothing_that_is_there(searched, tmp_path):
    """A folder, a link to one, a link to nowhere, a file: exit 2."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    places = [searched.folder / name for name in ("folder", "link", "nowhere", "file")]
    shutil.copytree(tmp_path / "mine", places[0])
    places[1].symlink_to(tmp_path / "mine")
    places[2].symlink_to(tmp_path / "absent")
    places[3].write_text("x")
    before = state(searched.folder), state(tmp_path)
    number = next(n for n, _, _, s, *_ in searched.table() if s == "complete")
    for place in places:
        searched.run("export", "tiny", "--trial", number, "-o", place, code=2)
    assert (state(searched.folder), state(tmp_path)) == before
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]
    searched.run("export", "tiny", "--trial", number, "-o", "new")


ODD = """
import kwsearch.driving as driving
from trials.records import Measurement

def odd(trial, report, *_, **__):
    values = [float("nan"), float("inf"), None, 0.5, -float("inf"), 0.5, float("1e400")]
    losses = [1.0, 1.0, 1.0, float("nan"), 1.0, float("inf"), 1.0]
    at = trial.number
    accuracy, loss = (values[at], losses[at]) if at < 7 else (0.1 + at / 100, 1.0)
    for epoch in (1, 2):
        report(Measurement(epoch, accuracy, 0.01, loss, 299, epoch / 10))

driving.measure = lambda *_, **__: odd
"""


def test_numbers_that_are_none_fail_their_trial_alone(place):
    """NaN, infinity, a missing accuracy, 1e400: cause ``non-finite``, and the search goes on."""
    (place.folder / "odd.py").write_text(ODD)
    # a module, so that the process that a trial runs in finds the function too
    place.run("search", "tiny.toml", first="import sys; sys.path.insert(0, '.'); import odd")
    place.sound()
    states = [state for _, _, _, state, *_ in place.table()]
    assert states[:7] == ["failed"] * 7
    assert set(states[7:]) == {"complete"} | ({"stopped"} & set(states))
    with open_store(place.url, read_only=True) as store:
        assert {record.cause for record in store.trials("tiny")[:7]} == {"non-finite"}
        assert all(record.number >= 7 for record in store.front("tiny"))


def test_a_training_that_diverges_is_non_finite_and_the_search_goes_on(file_place):
    """A real one, at a learning rate that no network survives."""
    text = (file_place.folder / "tiny.toml").read_text()
    text = text.replace("learning_rate = 0.1", "learning_rate = 100.0").replace("512", "64")
    (file_place.folder / "wild.toml").write_text(text)
    file_place.run("search", "wild.toml", "--trials", "6")
    file_place.sound()
    with open_store(file_place.url, read_only=True) as store:
        failed = [record for record in store.trials("wild") if record.state == "failed"]
        assert failed
        assert {record.cause for record in failed} == {"non-finite"}
