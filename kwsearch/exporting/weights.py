"""The weights that a study keeps of a trial, found and copied into its export.

The database names them by their path in the runs folder; see `trials.checkpoints.runs_folders`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from kwsearch.exporting.layout import WEIGHTS
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.records import KeptFile


def copy_weights(kept: KeptFile, runs: Sequence[Path], folder: Path) -> bool:
    """Copy a file of weights that the database names, if it lies in one of these runs folders.

    Returns:
        Whether it is there: an export may be written elsewhere than the study was searched.

    Raises:
        DamagedDataError: no file of that name is the one that was written.
    """
    found = [at / kept.path for at in runs if (at / kept.path).is_file()]
    for source in found:
        shutil.copyfile(source, folder / WEIGHTS)
        if file_sha256(folder / WEIGHTS) == kept.sha256:
            return True
        (folder / WEIGHTS).unlink()
    if found:
        raise DamagedDataError(
            f"{found[0]} is not as it was written.", "Put it back, or export another trial."
        )
    return False
