"""Where checkpoints of trials lie, which of them stay, and what is kept of a trial in the end.

``runs/<study>/checkpoints/<when the study was created>/<trial>-<epoch>.safetensors``. While a trial
runs, its last `KEPT_RUNGS` stay: the newest to go on from, the one before in case that one is
damaged. Of a paused trial, which may be taken up again, the newest stays. Once a trial is over
only the weights of a member of the front stay, and the database names
them with their SHA-256. A study created again under an old name has a folder of its own, so it
never takes an older one's checkpoints for its own.

Trainings on other machines need the runs folder at the same path there.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Self

from trials.files import DRAFT, file_sha256, write_whole
from trials.records import KeptFile, StudyRecord

RUNS = Path("runs")
"""Folder of everything that runs leave behind; paths in the database start here."""

KEPT_RUNGS = 2
ENDING = ".safetensors"


def runs_folders(database: Path | None) -> tuple[Path, ...]:
    """Where runs may have left their files, in this order.

    That is ``runs`` in the current directory, the folder in which an SQLite file lies, and ``runs``
    beside that file.

    Args:
        database: the SQLite file, None for a server.
    """
    beside = () if database is None else (database.parent, database.parent / RUNS.name)
    return tuple(dict.fromkeys(folder.absolute() for folder in (RUNS, *beside)))


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of one study; small, and to be handed to whoever trains.

    Attributes:
        runs: the runs folder, absolute.
        subfolder: this study's checkpoints inside it.
    """

    runs: Path
    subfolder: str

    @classmethod
    def of(cls, study: StudyRecord, runs: Path = RUNS) -> Self:
        """Those of a study; nothing is made or read yet."""
        created = study.created_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
        return cls(runs.resolve(), f"{study.name}/checkpoints/{created}")

    def of_audits(self) -> Self:
        """Those of the study's audits, which are numbered as baselines are."""
        return replace(self, subfolder=f"{self.subfolder}/audits")

    def path(self, number: int, epoch: int) -> Path:
        """File of a trial's state after an epoch."""
        return self.runs / self.subfolder / f"{number}-{epoch}{ENDING}"

    def of_trial(self, number: int) -> list[Path]:
        """A trial's checkpoints, newest first."""
        found = [(epoch, path) for trial, epoch, path in self._all() if trial == number]
        return [path for _, path in sorted(found, reverse=True)]

    def thin(self, number: int, keep: int = KEPT_RUNGS) -> None:
        """Remove all but the newest files of a trial that runs, or that is paused."""
        _remove(self.of_trial(number)[keep:])

    def newest(self) -> dict[int, int]:
        """By trial, the epochs after which its newest checkpoint was written."""
        found: dict[int, int] = {}
        for number, epoch, _ in self._all():
            found[number] = max(epoch, found.get(number, 0))
        return found

    def sizes(self) -> dict[int, int]:
        """By trial, the bytes that its checkpoints take."""
        found: dict[int, int] = {}
        for number, _, path in self._all():
            with suppress(FileNotFoundError):
                found[number] = found.get(number, 0) + path.stat().st_size
        return found

    def weights(self, number: int, epoch: int) -> KeptFile | None:
        """What the database shall say of a trial's last checkpoint; None if it is not there."""
        path = self.path(number, epoch)
        with suppress(FileNotFoundError):
            name = path.relative_to(self.runs).as_posix()
            return KeptFile(name, file_sha256(path), path.stat().st_size)
        return None

    def take_over(self, number: int, epoch: int, kept: KeptFile) -> None:
        """Make another trial's kept weights those of a trial too: linked, or copied if need be.

        Args:
            number: of the trial.
            epoch: that the weights were reached after.
            kept: the other trial's file; one that is gone or has changed is not taken over.
        """
        source, path = self.runs / kept.path, self.path(number, epoch)
        with suppress(OSError):
            if file_sha256(source) != kept.sha256:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            try:
                path.hardlink_to(source)
            except OSError:
                write_whole(path, lambda file: file.write(source.read_bytes()), need=kept.bytes)

    def forget(self, number: int, kept: KeptFile | None = None) -> None:
        """Remove all files of a finished trial but the one that is kept."""
        _remove(path for path in self.of_trial(number) if not self._is(path, kept))

    def sweep(self, unfinished: Collection[int], kept: Collection[KeptFile]) -> None:
        """Remove what a process that died has left: drafts, and files of trials that are over.

        Only for whoever holds the study's lease, before anything is trained.
        """
        folder = self.runs / self.subfolder
        _remove(path for path in _files(folder) if path.name.startswith(DRAFT))
        named = {self.runs / file.path for file in kept}
        _remove(p for number, _, p in self._all() if number not in unfinished and p not in named)

    def _is(self, path: Path, kept: KeptFile | None) -> bool:
        return kept is not None and path == self.runs / kept.path

    def _all(self) -> Iterator[tuple[int, int, Path]]:
        """Trial, epoch and path of every checkpoint, in no order."""
        for path in _files(self.runs / self.subfolder):
            number, _, epoch = path.stem.partition("-")
            if path.suffix == ENDING and number.isdecimal() and epoch.isdecimal():
                yield int(number), int(epoch), path


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _remove(paths: Collection[Path] | Iterator[Path]) -> None:
    """Remove files; one that cannot be removed now is swept by the next search."""
    for path in list(paths):
        with suppress(OSError):
            path.unlink(missing_ok=True)
