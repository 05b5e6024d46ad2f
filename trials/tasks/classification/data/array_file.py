"""Arrays on disk: written in one pass with their SHA-256, mapped only if it still holds.

Values are written sequentially, never through a map: a full disk is then an error, not a signal.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trials.errors import DamagedDataError
from trials.files import file_sha256


def write_array(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], rows: Iterable[NDArray[Any]]
) -> str:
    """Write an ``.npy`` file row by row.

    Args:
        path: a file that does not exist yet.
        shape: of the whole array; ``rows`` are its ``shape[0]`` entries.
        dtype: type of one value.
        rows: yields arrays of shape ``shape[1:]``.

    Returns:
        SHA-256 of the file.
    """
    digest = hashlib.sha256()
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(
            file,
            {
                "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
                "fortran_order": False,
                "shape": shape,
            },
        )
        file.flush()
        digest.update(path.read_bytes())
        for row in rows:
            raw = np.ascontiguousarray(row, dtype=dtype).tobytes()
            file.write(raw)
            digest.update(raw)
    return digest.hexdigest()


def map_array(path: Path, sha256: str, shape: tuple[int, ...], cure: str) -> NDArray[Any]:
    """Map an array read-only; pickled objects are refused unread.

    Raises:
        DamagedDataError: the file is missing, has another SHA-256 or another shape, or holds
            objects.
    """
    try:
        found = file_sha256(path)
        if found != sha256:
            raise DamagedDataError(f"{path} has SHA-256 {found[:12]}.., not {sha256[:12]}..", cure)
        mapped = 0 not in shape  # nothing cannot be mapped
        array = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedDataError(f"{path} cannot be read: {error}.", cure) from None
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise DamagedDataError(f"{path} does not hold an array of shape {shape}.", cure)
    return array
