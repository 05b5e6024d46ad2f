"""A process of ours beside this one, with a connection between the two.

It is in a session of its own, so that Ctrl-C reaches this process alone, and it does not outlive
this one: the kernel kills it when the thread that started it ends, however that comes about.
"""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

GRACE = 5.0
"""Seconds between asking a process to end and killing it."""

SECRETS = frozenset({"KWSEARCH_DATABASE", "PGPASSWORD"})
"""Variables that may hold a password, and that no companion needs."""

_PARENT_DEATH = 1
"""Linux's ``PR_SET_PDEATHSIG``."""

_CODE = """
import sys
sys.path[:] = {path!r}
from {module} import main
main({descriptor}, {parent})
"""


class Companion:
    """A process that runs ``main(descriptor, parent)`` of a module; a context manager.

    Its standard output goes to standard error: this process's own is for data.

    Args:
        module: to run; it is imported the way this process would, from the same places.

    Attributes:
        connection: to it; closed when it is gone.
        pid: of the process.
    """

    def __init__(self, module: ModuleType) -> None:
        ours, theirs = Pipe()
        self.connection: Connection[Any, Any] = ours
        code = _CODE.format(
            path=sys.path,
            module=module.__name__,
            descriptor=theirs.fileno(),
            parent=os.getpid(),
        )
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - code of ours, by this interpreter
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name not in SECRETS},
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, grace: float = GRACE) -> int:
        """Close the connection, which asks it to end; kill it after ``grace`` seconds.

        Returns:
            Its exit status, negative for a signal.
        """
        self.connection.close()
        try:
            return self._process.wait(grace)
        except BaseException as error:
            status = self.kill()
            if not isinstance(error, subprocess.TimeoutExpired):  # a second interruption
                raise
            return status
        finally:
            signal_group(self.pid, signal.SIGKILL)

    def ask_to_end(self) -> None:
        """Send it SIGTERM."""
        self._process.terminate()

    def kill(self) -> int:
        """End it at once; return its exit status."""
        self._process.kill()
        return self._process.wait()


def die_with(parent: int) -> None:
    """Let the kernel kill this process when the thread that started it is gone."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        os._exit(1)


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there was anyone to hear it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False
