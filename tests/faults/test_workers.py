"""Workers that die, hang, run out of memory or measure nonsense lose nothing but their attempt.

Each search is a process of its own with two workers on a Ray cluster of its own. Afterwards the
checker reads the database, and no process of the search is left.
"""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from search_spaces import KwsearchError
from trials.records import TrialRecord, TrialState
from trials.store import open_store
from trials.store.check import check

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]

SEARCH = """
import os, signal, subprocess, sys, time
from pathlib import Path
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.execution.ray_tune import RayTune
from trials.fidelity import Ladder
from trials.records import Measurement, NewStudy, Verdict
from trials.search import Search
from trials.store import open_store

SPACE = Space(
    shipped("resnet8", 10, 1, (8, 8)),
    {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "sharing_range": Options(("none", "stage")),
    },
)
TRIALS, EPOCHS, SECONDS, FAILURES, LIMITS = 6, 5, 0.1, 2, {}

def measured(trial, epoch, accuracy=None):
    value = 0.1 + trial.params / 1e6 + 0.01 * epoch if accuracy is None else accuracy
    return Measurement(epoch, value, 0.01, 0.5, 100, SECONDS * epoch)

def say(*words):
    with open("diary", "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")

def train(trial, report):
    for epoch in range(1, EPOCHS + 1):
        say("train", trial.number, trial.attempt, epoch, os.getpid())
        time.sleep(SECONDS)
        if report(measured(trial, epoch)) is Verdict.STOP:
            return

%s

if __name__ == "__main__":
    with open_store("kwsearch.db") as store:
        if not store.studies():
            new = NewStudy("study", {}, SPACE.backbone, 0, TRIALS, 1_000, 200_000, 0.1)
            store.create_study(new)
        owner = f"here:{os.getpid()}"
        store.acquire("study", owner, 60, steal=True)
        search = Search(
            store, store.study("study"), SPACE, Limits(max_params=200_000),
            Ladder(tuple(range(1, EPOCHS + 1))), "random", owner, max_failures=FAILURES,
        )
        RayTune(Path("ray"), workers=2, **LIMITS)(search, measure)
        store.release("study", owner)
"""


class Running:
    """A command under way in a folder of its own."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads yet in the child; a background job would ignore Ctrl-C
        )
        self.family: set[psutil.Process] = set()
        self.complained = ""

    def trainings(self) -> list[tuple[int, int, int, int]]:
        """Trial, attempt, epoch and process of each epoch begun."""
        path = self.folder / "diary"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        words = [line.split() for line in lines]
        return [tuple(map(int, rest)) for first, *rest in words if first == "train"]  # type: ignore[misc] # four words are written

    def meet(self) -> None:
        """Note every process that the command has by now."""
        with suppress(psutil.NoSuchProcess):
            self.family |= {*psutil.Process(self.process.pid).children(recursive=True)}

    def meet_until(self, condition: Callable[[], bool]) -> None:
        """Wait, noting every process on the way."""
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            self.meet()
            time.sleep(0.1)

    def end(self, code: int = 0) -> dict[int, TrialRecord]:
        """Wait for the command, check its database and that it left nothing; return its trials."""
        while self.process.poll() is None:
            self.meet()
            time.sleep(0.1)
        said, complained = self.process.communicate()
        self.complained = complained
        assert (self.process.returncode, said) == (code, ""), complained
        assert "Traceback" not in complained
        _, alive = psutil.wait_procs([p for p in self.family if p.is_running()], timeout=120)
        assert alive == []
        (database,) = self.folder.rglob("kwsearch.db")
        assert check(str(database)) == []
        with open_store(str(database), read_only=True) as store:
            return {record.number: record for record in store.trials("study")}

    def parts(self, words: str) -> list[psutil.Process]:
        """Its processes that run and whose command line has the words."""
        return [process for process in self.family if _part(process, words)]

    def close(self) -> None:
        """End whatever is left."""
        self.meet()
        self.process.kill()
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate()
        for process in self.family:
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def run(quick_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a search whose `measure` and constants are given as source."""
    running: list[Running] = []

    def start(measure: str) -> Running:
        script = quick_path / "search.py"
        script.write_text(SEARCH % textwrap.dedent(measure), encoding="utf-8")
        running.append(Running(quick_path, str(script)))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_workers_cost_attempts_and_nothing_else(
    run: Callable[..., Running], kills: int
) -> None:
    """At random moments; what an attempt measured stays, and the trial is measured to its end."""
    running = run(f"TRIALS, FAILURES = {kills + 5}, {kills}\nmeasure = train")
    draw = random.Random(kills)  # noqa: S311 - not a secret
    killed: set[int] = set()

    def alive() -> list[int]:
        pids = {pid for _, _, _, pid in running.trainings()} - killed
        return sorted(pid for pid in pids if psutil.pid_exists(pid))

    for _ in range(kills):
        running.meet_until(lambda: bool(alive()))
        time.sleep(draw.uniform(0, 0.3))
        running.meet_until(lambda: bool(alive()))
        victim = draw.choice(alive())
        os.kill(victim, signal.SIGKILL)
        killed.add(victim)
    records = running.end()
    assert {record.state for record in records.values()} == {TrialState.COMPLETE}
    assert len(records) == kills + 5


def test_a_worker_that_dies_on_every_trial_given_to_it_ends_those_and_no_other(
    run: Callable[..., Running],
) -> None:
    """Right after it was given: two attempts, then the next trial."""
    running = run(
        """
        TRIALS, FAILURES = 3, 1
        def measure(trial, report):
            say("train", trial.number, trial.attempt, 0, os.getpid())
            if trial.number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            train(trial, report)
        """
    )
    records = running.end()
    assert [records[n].state for n in (0, 2)] == [TrialState.COMPLETE] * 2
    assert (records[1].state, records[1].cause) == (TrialState.FAILED, "worker-lost")
    assert "died in mid-trial." in str(records[1].detail)
    assert records[1].trial.attempt == 2
    attempts = [attempt for trial, attempt, _, _ in running.trainings() if trial == 1]
    assert attempts == [1, 2]


def test_trials_that_hang_are_killed_with_their_children_whatever_these_ignore(
    run: Callable[..., Running],
) -> None:
    """One waits beside a child that ignores SIGTERM, one holds Python's lock, one is stopped."""
    running = run(
        """
        import ctypes
        TRIALS, EPOCHS, SECONDS = 5, 20, 0.01
        LIMITS = {"report_timeout": 3.0, "trial_timeout": 6.0}
        def measure(trial, report):
            if trial.number == 0:
                child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
                say("child", child.pid)
                time.sleep(1000)
            if trial.number == 1:
                ctypes.PyDLL(None).sleep(1000)
            if trial.number == 2:
                for epoch in range(1, EPOCHS):
                    time.sleep(0.5)
                    report(measured(trial, epoch))
            if trial.number == 3:
                report(measured(trial, 1))
                os.kill(os.getpid(), signal.SIGSTOP)
            train(trial, report)
        """
    )
    records = running.end()
    assert [records[n].cause for n in range(4)] == ["timeout"] * 4
    assert [records[n].trial.attempt for n in range(4)] == [1] * 4
    assert [records[n].epochs for n in (0, 1, 3)] == [0, 0, 1]
    assert "Nothing was measured for 3 s" in str(records[0].detail)
    assert "more than 6 s" in str(records[2].detail)
    assert "Nothing was measured for 3 s" in str(records[3].detail)
    assert records[4].state is TrialState.COMPLETE
    (child,) = [line.split()[1] for line in _lines(running) if line.startswith("child")]
    assert not psutil.pid_exists(int(child))


def _part(process: psutil.Process, words: str) -> bool:
    """Whether it is the part of a cluster whose command line has the words."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return words in " ".join(process.cmdline()[:6])
    return False


@pytest.mark.parametrize(
    "words",
    ["raylet/raylet", "gcs_server", pytest.param("ray::DashboardAgent", marks=pytest.mark.slow)],
)
def test_a_search_outlives_its_cluster_once(run: Callable[..., Running], words: str) -> None:
    """Trials that were out are tried again on another cluster; nothing is left of either."""
    running = run("TRIALS, EPOCHS = 6, 40\nmeasure = train")
    running.meet_until(lambda: len(running.trainings()) > 4)
    (victim,) = (process for process in running.family if _part(process, words))
    victim.kill()
    records = running.end()
    assert {record.state for record in records.values()} == {TrialState.COMPLETE}
    assert len(records) == 6
    assert {record.trial.attempt for record in records.values()} >= {1, 2}


@pytest.mark.slow
def test_a_search_ends_at_the_second_death_of_its_cluster(quick_path: Path) -> None:
    """Exit 5 with the command that goes on; what is measured stays, and nothing runs any more."""
    (quick_path / "study.toml").write_text(STUDY, encoding="utf-8")
    running = Running(quick_path, "-m", "kwsearch", "search", "study.toml")
    try:
        running.meet_until(lambda: _measurements(quick_path) > 2)
        (first,) = running.parts("raylet/raylet")
        first.kill()
        watched = {*running.parts("watchdog.py")}
        running.meet_until(lambda: bool({*running.parts("watchdog.py")} - watched))
        (second,) = running.parts("raylet/raylet")
        second.kill()
        records = running.end(code=5)
    finally:
        running.close()
    assert "kwsearch resume study" in running.complained.splitlines()[-1]
    assert TrialState.RUNNING not in {record.state for record in records.values()}
    assert sum(record.epochs > 0 for record in records.values()) > 0


def test_what_killed_drivers_leave_is_swept_by_the_next_start(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, quick_path: Path
) -> None:
    """Ray's folders of dead drivers, and no others."""
    (quick_path / "t").mkdir()
    monkeypatch.setenv("TMPDIR", str(quick_path / "t"))

    def folders() -> set[Path]:
        return {*(quick_path / "t").glob("kwsearch-ray-*")}

    other = quick_path / "t" / "kwsearch-ray-old"
    other.mkdir()
    running = run("TRIALS, EPOCHS = 6, 10\nmeasure = train")
    running.meet_until(lambda: bool(running.trainings()))
    (left,) = folders() - {other}
    running.close()
    _, alive = psutil.wait_procs([p for p in running.family if p.is_running()], timeout=120)
    assert alive == []
    assert left.exists()
    again = run("TRIALS, EPOCHS = 6, 1\nmeasure = train")
    again.end()
    assert folders() == {other}


def test_lack_of_memory_and_nonsense_fail_their_trials_alone(run: Callable[..., Running]) -> None:
    """Real allocations beyond a real limit, by Python and by torch; NaN, infinity and 1e400."""
    running = run(
        """
        import resource
        TRIALS, NONSENSE = 7, (float("nan"), float("inf"), 1e400, -float("inf"))
        def measure(trial, report):
            if trial.number == 0:
                resource.setrlimit(resource.RLIMIT_AS, (32 * 2**30, resource.RLIM_INFINITY))
                try:
                    bytearray(64 * 2**30)
                finally:
                    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            if trial.number == 1:
                import torch
                torch.empty(2**60, dtype=torch.uint8)
            if 2 <= trial.number < 6:
                report(measured(trial, 1, NONSENSE[trial.number - 2]))
            train(trial, report)
        """
    )
    records = running.end()
    causes = [records[number].cause for number in range(6)]
    assert causes == ["out-of-memory"] * 2 + ["non-finite"] * 4
    assert all("Peak memory" in str(records[number].detail) for number in (0, 1))
    assert {record.trial.attempt for record in records.values()} == {1}
    assert records[6].state is TrialState.COMPLETE


def test_everything_listens_on_loopback_asks_for_a_token_and_no_dashboard_is_there(
    run: Callable[..., Running],
) -> None:
    running = run(
        """
        TRIALS, EPOCHS = 3, 2
        def measure(trial, report):
            say("train", trial.number, trial.attempt, 0, os.getpid())
            while not Path("go").exists():
                time.sleep(0.05)
            train(trial, report)
        """
    )
    running.meet_until(lambda: len({pid for *_, pid in running.trainings()}) == 2)
    listening: dict[str, set[str]] = {}
    for process in {psutil.Process(running.process.pid), *running.family}:
        with suppress(psutil.NoSuchProcess):
            doors = {
                door.laddr.ip
                for door in process.net_connections("inet")
                if door.status == psutil.CONN_LISTEN
            }
            listening.setdefault(process.name(), set()).update(doors)
            if process.name() in ("raylet", "gcs_server"):
                assert process.environ()["RAY_AUTH_MODE"] == "token"
                assert len(process.environ()["RAY_AUTH_TOKEN"]) >= 32
    doors = set().union(*listening.values())
    assert doors
    assert all(door.removeprefix("::ffff:").startswith("127.") for door in doors), listening
    assert not any(doors for name, doors in listening.items() if "dashboard" in name.lower())
    (running.folder / "go").touch()
    running.end()


STUDY = """
name = "study"
[space]
backbone = "resnet8x0.25"
cell_num_ratio = {low = 0.125, high = 4.0, log = true}
[budget]
max_params = "40k"
[proxy]
epochs = [1, 2, 200]
[baselines]
seeds = 0
[search]
trials = 20
[execution]
executor = "ray"
threads = 1
workers = 2
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_gives_its_trials_back_and_leaves_no_worker(
    quick_path: Path, number: signal.Signals
) -> None:
    """As Ctrl-C does, the first goes to every process of the group; the second to the driver."""
    (quick_path / "study.toml").write_text(STUDY, encoding="utf-8")
    running = Running(quick_path, "-m", "kwsearch", "search", "study.toml")
    try:
        running.meet_until(lambda: _measurements(quick_path) > 2)
        if number is signal.SIGINT:
            os.killpg(running.process.pid, number)
        else:
            running.process.send_signal(number)
        records = running.end(code=5)
    finally:
        running.close()
    states = {record.state for record in records.values()}
    assert TrialState.WAITING in states
    assert TrialState.RUNNING not in states
    assert sum(record.epochs > 0 for record in records.values()) > 0


def _measurements(folder: Path) -> int:
    database = folder / "runs" / "kwsearch.db"
    if not database.exists():
        return 0
    with suppress(KwsearchError), open_store(str(database), read_only=True) as store:
        return len(store.measurements("study"))
    return 0


def _lines(running: Running) -> list[str]:
    return (running.folder / "diary").read_text(encoding="utf-8").splitlines()
