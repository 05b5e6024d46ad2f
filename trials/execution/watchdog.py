"""A small process beside each worker: time limits, and what a worker leaves behind.

A worker that hangs may hold Python's lock, and one that was killed says nothing, so neither can
look after itself. The watchdog is its child, in a session of its own. Now and then it looks at a
page of memory where the worker writes what it is at, which costs the worker next to nothing. When
the time is over it ends the worker's process group (terminate, then kill), and so it does with a
worker that outlives the process that started it. When the worker is gone
it kills what is left of the group, and notes why in a file that the driver reads.

It runs by itself, ``python watchdog.py``, and knows nothing but the standard library, so that it
starts in a moment.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

TICK = 0.2
"""Seconds between two looks at the clock."""

GRACE = 5.0
"""Seconds between terminate and kill."""

COUNTERS = ("/sys/fs/cgroup/memory.events", "/proc/vmstat")
"""Where the kernel counts the processes that it killed for want of memory, best source first."""


_PAGE = 256
"""Bytes of the page."""


@dataclass(frozen=True)
class Watch:
    """What a watchdog is told when it starts.

    Attributes:
        notes: folder of the notes.
        trial: seconds that a trial may take; None for any.
        report: seconds that may pass until the next measurement; None for any.
        counters: see `COUNTERS`.
        orphaned: seconds for which the worker may outlive the process that started it: Ray's node,
            of which it notices the end by itself, but not where the clock was set back.
    """

    notes: str
    trial: float | None = None
    report: float | None = None
    counters: Sequence[str] = COUNTERS
    orphaned: float = 10.0


@dataclass(frozen=True)
class State:
    """What a worker is at.

    Attributes:
        attempt: name of the attempt at a trial; None between two.
        spent: seconds for which it has run before the present stretch.
        since: when the present stretch began, by the machine's monotonic clock; None while it
            waits for others.
        kills: processes that the kernel had killed for want of memory when the attempt began.
    """

    attempt: str | None = None
    spent: float = 0.0
    since: float | None = None
    kills: int = 0


class Watchdog:
    """The worker's side: each change is one write to the page."""

    def __init__(self, watch: Watch) -> None:
        """Start a watchdog for this process, which must lead its process group."""
        self._counters = watch.counters
        self._state = State()
        self._page = os.memfd_create("watchdog")
        self._write(self._state)
        numbers = (os.getpid(), self._page, os.getppid())
        given = (json.dumps(asdict(watch)), *map(str, numbers))
        self._process = subprocess.Popen(  # noqa: S603 - this file, by this interpreter
            [sys.executable, "-I", "-S", __file__, *given],
            pass_fds=[self._page],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def begin(self, attempt: str) -> None:
        """From now on this process is at ``attempt``, a name for a file."""
        self._write(State(attempt, kills=oom_kills(self._counters)))

    def run(self) -> None:
        """The clock runs."""
        self._write(replace(self._state, since=time.monotonic()))

    def rest(self) -> None:
        """The clock rests, as the worker waits for others."""
        since = self._state.since
        ran = 0.0 if since is None else time.monotonic() - since
        self._write(replace(self._state, spent=self._state.spent + ran, since=None))

    def end(self) -> None:
        """The attempt is over, as it should."""
        self._write(State())

    def _write(self, state: State) -> None:
        self._state = state
        os.pwrite(self._page, json.dumps(asdict(state)).encode().ljust(_PAGE), 0)


class _Watching:
    """The watchdog's own side."""

    def __init__(self, watch: Watch, worker: int, page: int, parent: int) -> None:
        self._watch = watch
        self._worker = worker
        self._page = page
        self._parent = parent
        self._orphan_since: float | None = None
        self._state = State()
        self._noted: str | None = None
        self._peak = ""

    def watch(self) -> None:
        """Watch until the worker is gone."""
        while os.getppid() == self._worker:
            time.sleep(TICK)
            before, self._state = self._state, self._read()
            if self._state.attempt != before.attempt:
                self._peak = ""
            overdue = self._overdue(time.monotonic())
            if overdue:
                self._note("timeout", overdue)
                _end_group(self._worker)
            elif self._is_orphaned(time.monotonic()):
                _end_group(self._worker)
            elif self._state.since is not None:
                self._peak = _peak(self._worker) or self._peak
        self._state = self._read()
        if self._state.attempt not in (None, self._noted):
            self._note(*self._death())
        _signal_group(self._worker, signal.SIGKILL)

    def _read(self) -> State:
        try:
            return State(**json.loads(os.pread(self._page, _PAGE, 0)))
        except ValueError:  # it was being written
            return self._state

    def _is_orphaned(self, now: float) -> bool:
        """Whether the process that started the worker has been gone for too long."""
        if _parent(self._worker) in (None, self._parent):
            return False
        if self._orphan_since is None:
            self._orphan_since = now
        return now - self._orphan_since > self._watch.orphaned

    def _overdue(self, now: float) -> str | None:
        state, trial, report = self._state, self._watch.trial, self._watch.report
        if state.since is None or state.attempt == self._noted:
            return None
        running = now - state.since
        if trial is not None and state.spent + running > trial:
            return f"It took more than {trial:g} s."
        if report is not None and running > report:
            return f"Nothing was measured for {report:g} s."
        return None

    def _death(self) -> tuple[str, str]:
        process = f"Its worker, process {self._worker} on {os.uname().nodename},"
        peak = f" Peak memory {self._peak}." if self._peak else ""
        if oom_kills(self._watch.counters) > self._state.kills:
            return "out-of-memory", f"{process} was killed by the kernel for want of memory.{peak}"
        return "worker-lost", f"{process} died in mid-trial.{peak}"

    def _note(self, cause: str, detail: str) -> None:
        self._noted = self._state.attempt
        path = Path(self._watch.notes, str(self._noted))
        try:
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps([cause, detail]), encoding="utf-8")
            draft.replace(path)
        except OSError:
            return  # the search is over and its folder gone: nobody will read the note


def read_note(notes: str, attempt: str) -> tuple[str, str] | None:
    """Cause and detail of an attempt's end, None if nothing is noted yet."""
    try:
        cause, detail = json.loads(Path(notes, attempt).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return str(cause), str(detail)


def oom_kills(counters: Sequence[str]) -> int:
    """How many processes the kernel has killed for want of memory, by the first that counts."""
    for counter in counters:
        try:
            lines = Path(counter).read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _parent(process: int) -> int | None:
    found = _status(process, "PPid")
    return int(found) if found else None


def _peak(process: int) -> str:
    found = _status(process, "VmHWM")
    return f"{int(found) / 1024:,.0f} MiB" if found else ""


def _status(process: int, key: str) -> str | None:
    """A number of the kernel's about a process, None if it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith(f"{key}:")]
    return found[0] if found else None


def _end_group(group: int) -> None:
    _signal_group(group, signal.SIGTERM)
    _await(lambda: not _signal_group(group, 0))
    _signal_group(group, signal.SIGKILL)


def _await(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + GRACE
    while time.monotonic() < end and not condition():
        time.sleep(TICK / 4)


def _signal_group(group: int, number: int) -> bool:
    """Whether there was anyone to hear it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    # The worker says who it is: it may be dead by now, and a new parent be mistaken for it.
    _Watching(Watch(**json.loads(sys.argv[1])), *map(int, sys.argv[2:])).watch()
