"""Real searches in processes of their own, which tests kill, starve and damage.

The study trains a tiny network on the digits, a tenth of a second a trial, so that a search
has many moments at which it can be hit.
"""

import multiprocessing
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url

from trials.store import open_store
from trials.store.check import check

TRIALS = 20
NETWORK = '''
"""A network that trains in a moment."""

from torch import nn


def tiny(num_classes, in_channels):
    """Three convolutions, two of which warehouses serve."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 8, 3, padding=1, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, num_classes),
    )
'''
STUDY = f"""
[space]
backbone = "tinynet:tiny"
cell_num_ratio = {{low = 0.125, high = 4.0, log = true}}
cell_inplane_ratio = [0.5, 1.0]
cell_outplane_ratio = [0.25, 0.5, 1.0]
sharing_range = ["none", "stage"]
reduction = [0.0625, 0.25, 1.0]

[budget]
max_params = "60k"

[proxy]
data = "digits"
epochs = [1, 2]
batch_size = 512
learning_rate = 0.1

[baselines]
seeds = 0

[search]
sampler = "random"
trials = {TRIALS}

[execution]
threads = 1
isolate = false
"""
"""Trials run in the search's own process, which has loaded torch; see `Place.isolate`."""


_READY = (
    "pytest",
    "alembic.command",
    "kwsearch.api",
    "kwsearch.driving",
    "optuna",
    "sklearn.datasets",
    "sklearn.metrics",
    "torchvision",
    "trials.tasks.classification.proxy",
    "trials.tasks.classification.plain",
)
"""What searches load, and the first of them would wait for."""

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([*_READY])
COMMAND = """
import os, signal, sys, time
os.setsid()
os.chdir(folder)
os.environ.update(environment)
time.tzset()
for number, name in ((1, out), (2, talk)):
    os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
for kind in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(kind, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["kwsearch", *words]
exec(first)
from kwsearch.__main__ import main
main()
"""
"""A command as the console script runs it, in a process that has loaded torch already."""


class Command:
    """A command that runs in a process of its own.

    Args:
        place: where.
        words: of the command.
        first: Python code that the process runs before it.
        environment: variables beside the database's.
    """

    def __init__(self, place, words, first, environment):
        numbers = len(list(place.folder.glob("*.talk")))
        self._out, self._talk = (place.folder / f"{numbers}.{kind}" for kind in ("out", "talk"))
        given = {
            "folder": str(place.folder),
            "environment": {"KWSEARCH_DATABASE": place.url, **environment},
            "out": str(self._out),
            "talk": str(self._talk),
            "words": [*map(str, words)],
            "first": first,
        }
        self._process = _PROCESSES.Process(target=exec, args=(COMMAND, given), daemon=True)
        self._process.start()
        self.pid, self.join = self._process.pid, self._process.join

    @property
    def out(self):
        """What it wrote to standard output so far."""
        return self._out.read_text() if self._out.exists() else ""

    @property
    def talk(self):
        """What it wrote to standard error so far."""
        return self._talk.read_text() if self._talk.exists() else ""

    @property
    def exitcode(self):
        """None while it runs."""
        return self._process.exitcode

    def reached(self, finished="[0-9]+"):
        """Wait until a search has told of so many finished trials, or of any."""
        end = time.monotonic() + 600
        while not re.search(rf"^{finished}/[0-9]+ ", self.talk, re.MULTILINE):
            assert self._process.is_alive(), self.talk
            assert time.monotonic() < end, self.talk
            time.sleep(0.01)

    def kill(self):
        """End it without a word."""
        self._process.kill()
        self._process.join()

    def send(self, kind):
        """Send it a signal."""
        os.kill(self.pid, kind)

    def ended(self, code=0, within=600):
        """Wait for its end with ``code`` and, if that is not 0, a line of cause and one of cure."""
        self._process.join(within)
        assert self.exitcode == code, (self.exitcode, self.talk)
        assert "Traceback" not in self.talk
        if code:
            lines = self.talk.strip().splitlines()
            causes = [line for line in lines if line.startswith("error: ")]
            assert causes == lines[-2:-1], self.talk
            assert lines[-1].endswith("."), self.talk
        return self


@dataclass
class Place:
    """A folder with a study file, and the database that commands run in it are told of.

    Attributes:
        folder: where commands run.
        url: of the database, given to them in the environment.
    """

    folder: Path
    url: str

    def isolate(self):
        """Let trials run in processes of their own, as those of a person's code do by default."""
        study = (self.folder / "tiny.toml").read_text()
        assert "isolate = false" in study
        (self.folder / "tiny.toml").write_text(study.replace("isolate = false", "isolate = true"))

    def start(self, *words, first="", **environment):
        """Start a command; see `Command`."""
        return Command(self, words, first, environment)

    def run(self, *words, code=0, **options):
        """Run a command to its end; see `Command.ended`."""
        return self.start(*words, **options).ended(code)

    def processes(self):
        """Those that run in the folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                here = process.cwd().removesuffix(" (deleted)") == str(self.folder)
                if here and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def sound(self, besides=None):
        """The checker finds nothing, or nothing besides."""
        faults = check(self.url, runs=self.folder / "runs")
        assert [fault for fault in faults if besides is None or besides not in fault] == []

    def table(self, name="tiny"):
        """Trials without what clocks and attempts say."""
        with open_store(self.url, create=False, read_only=True) as store:
            return [
                (r.number, r.trial.digest, r.trial.seed, r.state, r.epochs, r.accuracy, r.loss)
                for r in store.trials(name)
            ]

    def measured(self, name="tiny"):
        """Measurements by trial and epoch, without what clocks say."""
        with open_store(self.url, create=False, read_only=True) as store:
            return {(n, m.epoch): (m.accuracy, m.loss) for n, m in store.measurements(name)}


@pytest.fixture
def place(quick_path, url):
    """A place for each kind of database in turn, on one of its own."""
    return _furnished(Place(quick_path, url))


@pytest.fixture
def file_place(quick_path):
    """A place with an SQLite file, ``kw.db`` in its folder."""
    return _furnished(Place(quick_path, f"sqlite:///{quick_path}/kw.db"))


@pytest.fixture
def server_place(quick_path, new_postgresql_database):
    """A place with a PostgreSQL database."""
    return _furnished(Place(quick_path, new_postgresql_database()))


@pytest.fixture
def repeating_place(file_place):
    """A place of which the study trains networks near its front twice, and no plain network."""
    return _repeating(file_place)


@pytest.fixture(scope="session")
def undisturbed_repeats(tmp_path_factory):
    """A place in which nothing happened to that study."""
    folder = tmp_path_factory.mktemp("repeats")
    place = _repeating(_furnished(Place(folder, f"sqlite:///{folder}/kw.db")))
    place.run("search", "tiny.toml")
    place.sound()
    return place


def _repeating(place):
    study = STUDY.replace("[search]", "[search]\nrepeats = 2")
    study = study.replace(f"trials = {TRIALS}", "trials = 8")
    (place.folder / "tiny.toml").write_text(study)
    return place


def _furnished(place):
    (place.folder / "tinynet.py").write_text(NETWORK)
    (place.folder / "tiny.toml").write_text(STUDY)
    return place


@pytest.fixture(scope="session")
def undisturbed_folder(tmp_path_factory):
    """A folder in which nothing happened to the study; its database is ``kw.db``."""
    folder = tmp_path_factory.mktemp("undisturbed")
    place = _furnished(Place(folder, f"sqlite:///{folder}/kw.db"))
    place.run("search", "tiny.toml")
    place.sound()
    return folder


@pytest.fixture(scope="session")
def undisturbed(undisturbed_folder):
    """The table and the measurements of the study when nothing happens to it."""
    place = Place(undisturbed_folder, f"sqlite:///{undisturbed_folder}/kw.db")
    return place.table(), place.measured()


PASSWORD = "s3%cr%%et{x}@{0}:/%s"  # noqa: S105 - made up


@pytest.fixture
def password():
    """One with letters that URLs and formats take for something else."""
    return PASSWORD


@pytest.fixture
def leaks():
    """Call it to know whether the password, or a good part of it, is in a text."""
    return lambda text: any(part in text for part in ("s3%", "cr%", "et{x}", "et%7B"))


@pytest.fixture(scope="session")
def furnish():
    """Call it for a place with an SQLite file in a folder of the test's."""
    return lambda folder: _furnished(Place(folder, f"sqlite:///{folder}/kw.db"))


@pytest.fixture
def guarded(server, server_place):
    """A place whose database asks for a password."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        (path,) = admin.execute("SHOW hba_file").fetchone()
        quoted = PASSWORD.replace("'", "''")
        known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'kw_secret'").fetchone()
        if known is None:  # another test may have had it
            admin.execute(f"CREATE ROLE kw_secret SUPERUSER LOGIN PASSWORD '{quoted}'")
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - short of a Path for one read
            before = file.read()
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
            file.write("local all kw_secret scram-sha-256\n" + before)
        admin.execute("SELECT pg_reload_conf()")
        url = make_url(server_place.url).set(username="kw_secret", password=PASSWORD)
        server_place.url = url.render_as_string(hide_password=False)
        yield server_place
        with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
            file.write(before)
        admin.execute("SELECT pg_reload_conf()")
