"""A study as TensorBoard's event files: a run a trial, in ``DIR/STUDY/NUMBER``.

Accuracy, loss and other values by name are scalars by epoch, with the times at which they were
measured; parameters and MACs are scalars too, so that the hparams page can set them against the
choices. A file is named after its trial's beginning and written whole, so a study can be mirrored
again as it grows.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary as Described
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import HParam, Metric, hparams_config_pb, hparams_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from reports.summary import Summary
from trials.files import write_whole
from trials.records import Measurement, TrialRecord, TrialState
from trials.tasks.contract import metrics_of

SCALARS = ("accuracy", "loss")
"""By epoch."""

SIZES = ("params", "macs")
"""Once a trial."""

_VERSION = "brain.Event:2"


def write_events(summary: Summary, folder: Path) -> Path:
    """Write every trial that was begun.

    Args:
        summary: the study.
        folder: TensorBoard's ``--logdir``; runs of other studies in it stay as they are.

    Returns:
        The folder of this study's runs.

    Raises:
        StorageError: a file cannot be written.
    """
    own = folder / summary.study.name
    _write(own, summary.study.created_at, _experiment(summary))
    for record in summary.trials:
        if record.state is not TrialState.WAITING:
            curve = summary.measurements.get(record.number, ())
            run = own / f"{record.number:05}"
            _write(run, record.started_at, _events(record, curve))
    return own


def _write(folder: Path, began: datetime, events: Iterator[Event]) -> None:
    first = Event(wall_time=began.timestamp(), file_version=_VERSION)
    records = [event.SerializeToString() for event in (first, *events)]

    def fill(file: IO[bytes]) -> None:
        writer = RecordWriter(file)
        for record in records:
            writer.write(record)

    write_whole(folder / f"events.out.tfevents.{int(began.timestamp())}.kwsearch", fill)


def _experiment(summary: Summary) -> Iterator[Event]:
    """What the columns of the hparams page are."""
    began = summary.study.created_at.timestamp()
    choices = [HParam(name) for name in summary.dimensions]
    measured = (one for curve in summary.measurements.values() for one in curve)
    scalars = dict.fromkeys(name for one in measured for name in metrics_of(one)) or SCALARS
    metrics = [Metric(name) for name in (*scalars, *SIZES)]
    described = hparams_config_pb(choices, metrics, time_created_secs=began)
    yield Event(wall_time=began, step=0, summary=described)


def _events(record: TrialRecord, curve: tuple[Measurement, ...]) -> Iterator[Event]:
    began, own = record.started_at.timestamp(), f"{record.trial.study}/{record.number}"
    start = hparams_pb(dict(record.values), trial_id=own, start_time_secs=began)
    yield Event(wall_time=began, step=0, summary=start)
    for size in SIZES:
        yield Event(wall_time=began, step=0, summary=scalar_pb(size, getattr(record.trial, size)))
    for measurement in curve:
        for name, number in metrics_of(measurement).items():
            value = scalar_pb(name, number)
            time = began + measurement.seconds
            yield Event(wall_time=time, step=measurement.epoch, summary=value)
    if record.finished_at is not None:
        ended = record.finished_at.timestamp()
        yield Event(wall_time=ended, step=record.epochs, summary=_end(record, ended))


def _end(record: TrialRecord, ended: float) -> Described:

    failed = record.state is TrialState.FAILED
    status = api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=ended)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=info)
    made = Described()
    made.value.add(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(data),
        tensor=metadata.NULL_TENSOR,
    )
    return made
