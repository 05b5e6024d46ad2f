"""One run of Tune from the first trial to the last."""

import shutil
from pathlib import Path

import ray
from ray import tune
from ray.exceptions import RayError
from ray.tune import TuneError

from search_spaces import InputError
from search_spaces.errors import plural
from trials.errors import InterruptedSearchError
from trials.execution.contract import Decider
from trials.execution.ray_tune.desk import Abandoned, Desk, Suggestions, Verdicts
from trials.execution.ray_tune.settings import RaySettings
from trials.execution.ray_tune.surroundings import environment, quiet, signals_kept
from trials.execution.ray_tune.worker import Worker, WorkerSettings
from trials.execution.watchdog import Watch
from trials.records import Measure

_NAME = "tune"
_TUNE = {
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # an interrupt is for whoever drives the search
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the database has every measurement
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # and every trial
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_WARN_THRESHOLD_S": "1e9",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "10",
    "RAY_AIR_NEW_OUTPUT": "0",
}


def run(settings: RaySettings, decider: Decider, measure: Measure) -> None:
    """Run trials on the cluster that this process has joined.

    Raises:
        InputError: the cluster has no room for one trial.
    """
    workers = _room(settings)
    folder = settings.folder.resolve()
    notes = folder / "notes"
    for old in (notes, folder / _NAME):
        shutil.rmtree(old, ignore_errors=True)
    notes.mkdir(parents=True)
    desk = Desk(decider, workers, str(notes))
    watch = Watch(str(notes), settings.trial_timeout, settings.report_timeout)
    verdicts = Verdicts(desk)
    pending = {"TUNE_MAX_PENDING_TRIALS_PG": str(workers)}  # so that all workers start together
    with environment(_TUNE | pending), signals_kept(), quiet():
        try:
            _tuner(settings, desk, verdicts, measure, WorkerSettings(str(Path.cwd()), watch)).fit()
        except Abandoned as abandoned:
            raise abandoned.error from None
        except (RayError, TuneError) as error:
            raise _ended(error) from error
        except RuntimeError as error:  # Tune's wrapping of what it does not expect from Ray
            raise (_ended(error) if isinstance(error.__cause__, RayError) else error) from error
        finally:
            verdicts.kill()


def _tuner(
    settings: RaySettings, desk: Desk, verdicts: Verdicts, measure: Measure, worker: WorkerSettings
) -> tune.Tuner:
    resources = {"CPU": settings.cpus_per_trial, "GPU": settings.gpus_per_trial}
    trainable = tune.with_resources(
        tune.with_parameters(Worker, measure=measure, settings=worker),
        tune.PlacementGroupFactory([{name: n for name, n in resources.items() if n}]),
    )
    return tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            num_samples=-1,
            search_alg=Suggestions(desk),
            scheduler=verdicts,
            reuse_actors=True,
            trial_dirname_creator=lambda _: "trials",  # Tune's own spells a configuration out
        ),
        run_config=tune.RunConfig(
            name=_NAME,
            storage_path=str(settings.folder.resolve()),
            failure_config=tune.FailureConfig(max_failures=0),  # attempts are the decider's
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    )


def _ended(error: Exception) -> InterruptedSearchError:
    last = str(error).strip().rpartition("\n")[2]
    return InterruptedSearchError(
        f"Ray ended the search; everything measured is kept. {type(error).__name__}: {last}",
        "Look after the cluster.",
    )


def _room(settings: RaySettings) -> int:
    """Trials that may run at once."""
    there = ray.cluster_resources()  # type: ignore[no-untyped-call] # Ray leaves it untyped
    room = [there.get("CPU", 0.0) / settings.cpus_per_trial]
    if settings.gpus_per_trial:
        room.append(there.get("GPU", 0.0) / settings.gpus_per_trial)
    most = int(min(room) + 1e-6)  # ten shares of 0.1 are one
    wanted = settings.workers or max(most, 1)
    if wanted > most:
        raise InputError(
            f"There is room for {plural(most, 'trial')} at once, not for {wanted}: a trial takes "
            f"{settings.cpus_per_trial} CPUs and {settings.gpus_per_trial:g} GPUs, and there are "
            f"{there.get('CPU', 0):g} and {there.get('GPU', 0):g}.",
            "Set fewer workers, or fewer CPUs or GPUs for each.",
        )
    return wanted
