"""A configuration as a folder: what it is, what it costs, where it came from.

The folder is written whole or not at all.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from search_spaces import InputError, count
from trials.errors import StorageError
from trials.files import new_folder
from trials.records import StudyRecord, TrialRecord

CONFIG, BACKBONE, COUNTS, ORIGIN = "config.json", "backbone.json", "counts.json", "origin.json"
CHECKSUMS = "checksums.sha256"


def export(study: StudyRecord, record: TrialRecord, folder: Path) -> Path:
    """Write a trial's configuration into a new folder.

    ``config.json`` is a `NetworkConfig`, ``backbone.json`` the study's table that it is planned on,
    ``counts.json`` what it costs with every warehouse and site, ``origin.json`` the digest, the
    study and what was measured, ``checksums.sha256`` the hashes of the four in the format of
    ``sha256sum``.

    Args:
        study: the trial's study.
        record: the trial.
        folder: to be created; its parent may have to be too.

    Raises:
        InputError: the folder exists.
        StorageError: it cannot be written.
    """
    if folder.exists() or folder.is_symlink():
        raise InputError(
            f"{folder} exists; an export never overwrites.", "Name a new folder with -o."
        )
    files = {
        CONFIG: record.trial.config.model_dump(mode="json"),
        BACKBONE: study.spec.backbone.to_dict(),
        COUNTS: count(record.trial.config, study.spec.backbone).to_dict(),
        ORIGIN: _origin(study, record),
    }
    texts = {name: json.dumps(value, indent=2) + "\n" for name, value in files.items()}
    texts[CHECKSUMS] = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in texts.items()
    )
    try:
        with new_folder(folder) as draft:
            for name, text in texts.items():
                (draft / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Make room, or name a folder that you may write to.",
        ) from None
    return folder


def _origin(study: StudyRecord, record: TrialRecord) -> dict[str, Any]:
    return {
        "study": study.name,
        "trial": record.number,
        "digest": record.trial.digest,
        "params": record.trial.params,
        "macs": record.trial.macs,
        "accuracy": record.accuracy,
        "accuracy_error": record.accuracy_error,
        "loss": record.loss,
        "epochs": record.epochs,
        "seed": record.trial.seed,
        "finished_at": record.finished_at.isoformat() if record.finished_at else None,
        "settings": dict(study.spec.settings),
        "created_by": f"kwsearch {version('kwsearch')}",
    }
