"""The weights that a study keeps of a trial, copied into its export."""

import shutil
from pathlib import Path

from kwsearch.exporting.layout import WEIGHTS
from trials.checkpoints import RUNS
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.records import KeptFile


def copy_weights(kept: KeptFile, folder: Path) -> bool:
    """Copy a file of weights that the database names, if it lies in this folder's runs.

    Returns:
        Whether it is there: an export may be written elsewhere than the study was searched.

    Raises:
        DamagedDataError: it is not the file that was written.
    """
    source = RUNS / kept.path
    try:
        shutil.copyfile(source, folder / WEIGHTS)
    except FileNotFoundError:
        return False
    if file_sha256(folder / WEIGHTS) != kept.sha256:
        raise DamagedDataError(
            f"{source} is not as it was written.", "Put it back, or export another trial."
        )
    return True
