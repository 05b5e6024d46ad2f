"""A study as an MLflow experiment: a run a trial, once the trial is over.

Choices are parameters, accuracy and loss metrics by epoch, sizes metrics of step 0, and what
became of the trial is told by tags. A trial that the experiment has already is left alone, so a
study can be mirrored again as it grows.
"""

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

from reports.summary import Summary
from trials.errors import StorageError
from trials.records import Measurement, TrialRecord, TrialState
from trials.tasks.contract import metrics_of

DIGEST = "kwsearch.digest"
"""Tag that tells one trial of an experiment from another."""

_MANY = 1000


def log_runs(summary: Summary, address: str) -> int:
    """Log every trial that is over and not there yet.

    Args:
        summary: the study; the experiment has its name.
        address: MLflow's tracking URI.

    Returns:
        How many runs were added.

    Raises:
        StorageError: MLflow refuses.
    """
    try:
        client = MlflowClient(tracking_uri=address)
        experiment = _experiment(client, summary.study.name)
        known = _known(client, experiment)
        new = [t for t in summary.trials if t.state.final and t.trial.digest not in known]
        for record in new:
            _log(client, experiment, record, summary.measurements.get(record.number, ()))
    except MlflowException as error:
        raise StorageError(
            f"MLflow refuses: {str(error).splitlines()[0]}",
            "Check the tracking URI, such as sqlite:///mlflow.db or http://127.0.0.1:5000.",
        ) from None
    return len(new)


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _known(client: MlflowClient, experiment: str) -> set[str]:
    """Digests of the experiment's runs; those that were cut off while being written are removed."""
    digests: set[str] = set()
    page = None
    while True:
        found = client.search_runs([experiment], max_results=_MANY, page_token=page)
        for run in found:
            digest = run.data.tags.get(DIGEST)
            if digest is not None and run.info.end_time is None:
                client.delete_run(run.info.run_id)
            elif digest is not None:
                digests.add(digest)
        page = found.token
        if not page:
            return digests


def _log(
    client: MlflowClient, experiment: str, record: TrialRecord, curve: tuple[Measurement, ...]
) -> None:
    began = _milliseconds(record.started_at.timestamp())
    tags = {
        DIGEST: record.trial.digest,
        "kwsearch.trial": str(record.number),
        "kwsearch.state": record.state.value,
        "kwsearch.cause": record.cause,
        "kwsearch.detail": record.detail,
    }
    run = client.create_run(
        experiment,
        start_time=began,
        run_name=f"{record.trial.study}-{record.number}",
        tags={name: value for name, value in tags.items() if value is not None},
    ).info.run_id
    metrics = [
        Metric(name, getattr(record.trial, name), began, 0) for name in ("params", "macs")
    ] + [
        Metric(name, value, began + _milliseconds(m.seconds), m.epoch)
        for m in curve
        for name, value in metrics_of(m).items()
    ]
    params = [Param(name, str(value)) for name, value in record.values.items()]
    for first in range(0, len(metrics), _MANY):
        client.log_batch(run, metrics=metrics[first : first + _MANY])
    client.log_batch(run, params=params)
    status = "FAILED" if record.state is TrialState.FAILED else "FINISHED"
    ended = max(record.finished_at or record.started_at, record.started_at)  # clocks step
    client.set_terminated(run, status=status, end_time=_milliseconds(ended.timestamp()))


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
