"""Cost of a search as it grows, with simulated trials.

What is measured, on SQLite in memory-backed storage:

- milliseconds of the driver per trial (suggesting, its reports, finishing) after 1,000, 10,000 and
  100,000 finished trials, for each sampler, and time and memory to take such a study up again;
- front, best and status of a study of a million trials, each from opening the database on;
- a whole search by 1,000 simulated workers: the driver's own time is charged to a virtual clock and
  the share of the workers' time spent waiting for a suggestion is reported.

Large studies are made by searching 1,000 trials and copying their rows, under numbers and digests
of their own: a study's cost depends on how many rows there are, not on what they say.

    python benchmarks/many_trials.py [--quick]
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from kwsearch import api, problems
from kwsearch.presets import preset
from trials.execution import Simulated, following, run_serially
from trials.execution.simulated import Usage
from trials.promotion import Halving
from trials.records import Measurement, NewStudy, Trial
from trials.search import Search
from trials.store import Store, open_store

SAMPLERS = ("tpe", "nsga2", "random")
SEED_TRIALS = 1000
SECONDS_PER_EPOCH = 20.0
"""Of a typical trial; trials differ by a factor of 2 either way."""

_settings = preset("cifar10")
_problem = problems.problem(_settings, problems.backbone_for_planning(_settings))
_halving = Halving(3, _problem.limits.min_params, _problem.limits.max_params)


def curve(trial: Trial) -> Iterator[Measurement]:
    """Larger networks are better and slower; luck and pace come from the trial's seed."""
    rng = np.random.default_rng(trial.seed)
    luck, pace = rng.uniform(0, 0.2), SECONDS_PER_EPOCH * 2 ** rng.uniform(-1, 1)
    for epoch in _problem.ladder.rungs:
        accuracy = 0.1 * np.log10(trial.params) + luck + 0.05 * np.log(epoch)
        yield Measurement(epoch, float(accuracy), 0.01, 1 - float(accuracy), 5000, pace * epoch)


def create(store: Store, name: str, trials: int) -> None:
    """Write a study of the benchmark's space."""
    spec = NewStudy(
        name,
        {"proxy": {"epochs": list(_problem.ladder.rungs)}},
        _problem.space.backbone,
        0,
        trials,
        _problem.limits.min_params or _problem.space.smallest_params(0),
        _problem.limits.max_params,
        0.1,
    )
    store.create_study(spec)


def opened(store: Store, name: str, sampler: str) -> Search:
    """A search of that study."""
    return Search(
        store,
        store.study(name),
        _problem.space,
        _problem.limits,
        _problem.ladder,
        sampler,
        "benchmark:1",
        _halving,
    )


def multiply(file: Path, study: str, times: int) -> None:
    """Let a finished study have ``times`` as many trials, in one statement a table."""
    with sqlite3.connect(file) as db:
        (asked,) = db.execute("SELECT trials FROM kw_study WHERE name = ?", (study,)).fetchone()
        (step,) = db.execute("SELECT max(id) FROM kw_trial").fetchone()
        db.execute("CREATE TEMP TABLE copy (n INTEGER PRIMARY KEY)")
        db.executemany("INSERT INTO copy VALUES (?)", [(n,) for n in range(1, times)])
        changed = {
            "id": f"t.id + {step} * n",
            "number": f"t.number + {asked} * n",
            "place": f"t.place + {asked} * n",
            "digest": "printf('%016x', n) || substr(t.digest, 17)",
        }
        _copy(db, "kw_trial", changed, f"t.number < {asked}")
        _copy(db, "kw_measurement", {"trial_id": f"t.trial_id + {step} * n"}, f"trial_id <= {step}")
        for column in ("waiting", "running", "complete", "stopped", "failed", "epochs", "seconds"):
            db.execute(f"UPDATE kw_tally SET {column} = {column} * {times}")  # noqa: S608 - a constant
        db.execute("UPDATE kw_study SET trials = trials * ?", (times,))


def _copy(db: sqlite3.Connection, table: str, changed: dict[str, str], which: str) -> None:
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, f"t.{column}") for column in columns)
    into = f"{table} ({', '.join(columns)})"
    db.execute(f"INSERT INTO {into} SELECT {values} FROM copy, {table} t WHERE {which}")  # noqa: S608 - made of constants


def resident() -> float:
    """Memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def searched(folder: Path, sampler: str, size: int) -> Path:
    """A database with one finished study of ``size`` trials, a multiple of `SEED_TRIALS`."""
    base = folder / f"{sampler}.db"
    if not base.exists():
        with open_store(str(base)) as store:
            create(store, "study", SEED_TRIALS)
            run_serially(opened(store, "study", sampler), following(curve))
    file = folder / f"{sampler}-{size}.db"
    shutil.copy(base, file)
    multiply(file, "study", size // SEED_TRIALS)
    return file


def cost(folder: Path, size: int, sampler: str, trials: int) -> dict[str, float]:
    """Cost of a trial after ``size`` finished ones."""
    file = searched(folder, sampler, size)
    before = resident()
    with open_store(str(file)) as store:
        store.set_trials("study", size + 50 + trials)
        begin = time.thread_time()
        search = opened(store, "study", sampler)
        resumed = time.thread_time() - begin
        taken: list[float] = []
        search.watch = lambda _: taken.append(time.thread_time())
        run_serially(search, following(curve))
        memory = resident() - before
    file.unlink()
    return {
        "ms_per_trial": (taken[-1] - taken[50]) / (len(taken) - 51) * 1e3,
        "resume_s": resumed,
        "memory_mib": memory,
    }


def reading(file: Path) -> dict[str, float]:
    """Front, best and status of a large study, in milliseconds, medians of 9."""
    url = str(file)
    verbs: dict[str, Callable[[], object]] = {
        "front": lambda: api.front("study", database=url),
        "best": lambda: api.best("study", max_params=300_000, database=url),
        "status": lambda: api.status("study", database=url),
    }
    found = {"database_mib": file.stat().st_size / 2**20}
    for name, verb in verbs.items():
        times = []
        for _ in range(9):
            begin = time.perf_counter()
            verb()
            times.append(time.perf_counter() - begin)
        found[f"{name}_ms"] = statistics.median(times) * 1e3
    return found


def so_far(finished: int, usage: Usage) -> None:
    """A line every five thousand trials."""
    if finished % 5000 == 0:
        print(
            f"{finished:,} trials: {usage.deciding / finished * 1e3:.1f} ms a trial, workers busy "
            f"{usage.busy_share:.2%}, without a suggestion {usage.starved_share:.3%}",
            flush=True,
        )


def wide(
    folder: Path, sampler: str, workers: int, trials: int, finished: int = 0
) -> dict[str, float]:
    """A search by many workers, the driver's own time charged to the virtual clock.

    Args:
        folder: where the database may be.
        sampler: its name.
        workers: trials at a time.
        trials: to be searched.
        finished: trials that the study has before.
    """
    file = searched(folder, sampler, finished) if finished else folder / f"wide-{sampler}.db"
    with open_store(str(file)) as store:
        if finished:
            store.set_trials("study", finished + trials)
        else:
            create(store, "study", trials)
        before = store.study("study")
        executor = Simulated(workers, clock=time.thread_time)
        begin = time.perf_counter()
        search = opened(store, "study", sampler)
        search.watch = lambda progress: so_far(progress.finished - finished, executor.usage)
        executor(search, following(curve))
        took = time.perf_counter() - begin
        study = store.study("study")
    usage = executor.usage
    file.unlink()
    return {
        "workers": workers,
        "trials": trials,
        "finished_before": finished,
        "unsuggested_percent": 100 * usage.starved_share,
        "unanswered_percent": 100 * usage.unanswered / (usage.busy / usage.busy_share),
        "busy_percent": 100 * usage.busy_share,
        "driver_ms_per_trial": usage.deciding / trials * 1e3,
        "mean_trial_s": usage.busy / trials,
        "virtual_hours": usage.seconds / 3600,
        "real_s": took,
        "refused_per_trial": (sum(study.refused.values()) - sum(before.refused.values())) / trials,
        "resident_mib": resident(),
    }


def main() -> None:
    """Measure, print a line for each figure, and all of them as JSON in the last line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute")
    parser.add_argument("--only", choices=("cost", "reading", "wide"), help="one part")
    parser.add_argument("--sampler", choices=SAMPLERS, action="append", help="only these samplers")
    parser.add_argument("--workers", type=int, help="of the wide search")
    parser.add_argument("--trials", type=int, help="of the wide search")
    parser.add_argument(
        "--finished",
        type=int,
        default=0,
        help="trials that the study of the wide search has before it, a multiple of 1,000",
    )
    words = parser.parse_args()
    shared = Path("/dev/shm")  # noqa: S108 - the folder made inside is private
    result: dict[str, object] = {"quick": words.quick}
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        folder = Path(name)
        samplers = words.sampler or (("nsga2",) if words.quick else SAMPLERS)
        if words.only in (None, "cost"):
            result["cost"] = costs(folder, samplers, quick=words.quick)
        if words.only in (None, "reading"):
            file = searched(folder, "random", 20_000 if words.quick else 1_000_000)
            result["reading"] = reading(file)
            file.unlink()
            print("reading", rounded(result["reading"]))
        if words.only in (None, "wide"):
            for sampler in samplers if words.sampler else ("nsga2",):
                workers = words.workers or (100 if words.quick else 1000)
                trials = words.trials or (600 if words.quick else 100_000)
                result[f"wide_{sampler}"] = found = wide(
                    folder, sampler, workers, trials, words.finished
                )
                print(f"wide {sampler}", rounded(found))
    print(json.dumps(result))


def costs(folder: Path, samplers: tuple[str, ...], *, quick: bool) -> dict[str, object]:
    """`cost` at every size, and the ratio of the last to the first."""
    sizes = (1000, 5000) if quick else (1000, 10_000, 100_000)
    table: dict[str, object] = {}
    for sampler in samplers:
        found = {size: cost(folder, size, sampler, 100 if quick else 400) for size in sizes}
        for size, one in found.items():
            print(f"cost {sampler} {size:,}", rounded(one))
        ratio = found[sizes[-1]]["ms_per_trial"] / found[sizes[0]]["ms_per_trial"]
        table[sampler] = {**found, "ratio": ratio}
        print(f"cost {sampler}: {ratio:.2f} times as much at {sizes[-1]:,} as at {sizes[0]:,}")
    return table


def rounded(found: object) -> dict[str, float]:
    """For the eye: three significant digits."""
    assert isinstance(found, dict)
    return {name: float(f"{value:.3g}") for name, value in found.items()}


if __name__ == "__main__":
    main()
