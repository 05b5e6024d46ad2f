"""Settings every test shares."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadlines: a machine that runs other work beside the tests would fail them at random.
settings.register_profile("kwsearch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kwsearch")


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """An empty folder in memory where there is one: for databases whose commits need not last."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder made inside is private
    root = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=root) as folder:
        yield Path(folder)
