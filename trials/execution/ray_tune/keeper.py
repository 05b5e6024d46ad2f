"""A small process beside each worker: time limits, and what a worker leaves behind.

A worker that hangs may hold Python's lock, and one that was killed says nothing, so neither can
look after itself. The keeper is its child in a session of its own. It reads what the worker is at
from a pipe, ends the worker's process group when the time is over (terminate, then kill), kills
what is left of the group when the worker is gone, and notes why in a file that the driver reads.

It runs by itself, ``python keeper.py``, and knows nothing but the standard library, so that it
starts in a moment.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TICK = 0.2
"""Seconds between two looks at the clock."""

GRACE = 5.0
"""Seconds between terminate and kill."""

COUNTERS = ("/sys/fs/cgroup/memory.events", "/proc/vmstat")
"""Where the kernel counts the processes that it killed for want of memory, best source first."""


@dataclass(frozen=True)
class Watch:
    """What a keeper is told when it starts.

    Attributes:
        notes: folder of the notes.
        trial: seconds that a trial may take; None for any.
        report: seconds that may pass until the next measurement; None for any.
        counters: see `COUNTERS`.
    """

    notes: str
    trial: float | None = None
    report: float | None = None
    counters: Sequence[str] = COUNTERS


class Keeper:
    """The worker's end of the pipe."""

    def __init__(self, watch: Watch) -> None:
        """Start a keeper for this process, which must lead its process group."""
        command = [
            sys.executable,
            "-I",
            "-S",
            __file__,
            json.dumps(asdict(watch)),
            str(os.getpid()),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - this file, by this interpreter
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def begin(self, attempt: str) -> None:
        """From now on this process is at ``attempt``, a name for a file."""
        self._tell(f"begin {attempt}")

    def run(self) -> None:
        """The clock runs."""
        self._tell("run")

    def rest(self) -> None:
        """The clock rests, as the worker waits for others."""
        self._tell("rest")

    def end(self) -> None:
        """The attempt is over."""
        self._tell("end")

    def close(self) -> None:
        """This process is about to end, as it should."""
        self.end()
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        self._process.stdin.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - likewise
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()


class _Kept:
    """The keeper's own side."""

    def __init__(self, watch: Watch, worker: int) -> None:
        self._watch = watch
        self._worker = worker
        self._attempt: str | None = None
        self._spent = 0.0
        self._since: float | None = None
        self._kills = oom_kills(watch.counters)
        self._peak = ""
        self._unread = b""
        self._heard = False

    def keep(self) -> None:
        """Watch until the worker is gone."""
        while self._alive() and self._listen(TICK):
            overdue = self._overdue(time.monotonic())
            if overdue:
                self._note("timeout", overdue)
                self._attempt = None
                _end_group(self._worker)
            elif self._since is not None:
                self._peak = _peak(self._worker) or self._peak
        _await(lambda: not self._alive())  # a worker that closed the pipe is about to end
        while self._listen(0.0) and self._heard:
            pass  # its last words may have come after the last look
        if self._attempt is not None:
            self._note(*self._death())
        _signal_group(self._worker, signal.SIGKILL)

    def _alive(self) -> bool:
        return os.getppid() == self._worker

    def _listen(self, seconds: float) -> bool:
        """Take in what the worker says within ``seconds``; whether it may say more."""
        self._heard = bool(select.select([0], [], [], seconds)[0])
        read = os.read(0, 4096) if self._heard else b""
        *lines, self._unread = (self._unread + read).split(b"\n")
        for line in lines:
            self._hear(*line.decode().split())
        return bool(read) or not self._heard

    def _hear(self, word: str, attempt: str | None = None) -> None:
        now = time.monotonic()
        if word == "run":
            self._since = now
        else:
            self._spent += now - self._since if self._since is not None else 0.0
            self._since = None
        if word in ("begin", "end"):
            self._attempt, self._spent, self._peak = attempt, 0.0, ""
            if self._alive():
                self._kills = oom_kills(self._watch.counters)

    def _overdue(self, now: float) -> str | None:
        running = now - self._since if self._since is not None else 0.0
        trial, report = self._watch.trial, self._watch.report
        if trial is not None and self._spent + running > trial:
            return f"It took more than {trial:g} s."
        if report is not None and running > report:
            return f"Nothing was measured for {report:g} s."
        return None

    def _death(self) -> tuple[str, str]:
        process = f"Its worker, process {self._worker} on {os.uname().nodename},"
        peak = f" Peak memory {self._peak}." if self._peak else ""
        if oom_kills(self._watch.counters) > self._kills:
            return "out-of-memory", f"{process} was killed by the kernel for want of memory.{peak}"
        return "worker-lost", f"{process} died in mid-trial.{peak}"

    def _note(self, cause: str, detail: str) -> None:
        path = Path(self._watch.notes, self._attempt or "")
        try:
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps([cause, detail]), encoding="utf-8")
            draft.replace(path)
        except OSError:
            return  # the search is over and its folder gone: nobody will read the note


def read_note(notes: str, attempt: str, patience: float) -> tuple[str, str] | None:
    """Cause and detail of an attempt's end, None if nothing is noted for ``patience`` seconds."""
    path = Path(notes, attempt)
    end = time.monotonic() + patience
    while True:
        try:
            cause, detail = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            if time.monotonic() > end:
                return None
            time.sleep(TICK / 4)
        else:
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


def _peak(process: int) -> str:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return f"{int(found[0]) / 1024:,.0f} MiB" if found else ""


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
    _Kept(Watch(**json.loads(sys.argv[1])), int(sys.argv[2])).keep()
