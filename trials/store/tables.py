"""The tables. Rows of them never leave the store.

`kw_study` says what is searched and who drives it. `kw_tally` holds, one row a study, what would
otherwise be counted over all trials: each transaction brings it up to date, so that the status of
a study of a million trials is one row. It stands apart from `kw_study` because it is rewritten
with every measurement and the settings never are.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from trials.store.column_types import STATE, ConfigText, UtcDateTime

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
METADATA = MetaData(naming_convention=NAMES)
"""All tables; constraints are named alike in every database, and `info` describes a table."""


def _latency() -> tuple[Column[Any], ...]:
    """What a trial and a baseline have of their latency, and of what sizes are compared by."""
    return (
        Column("latency", Double()),
        Column("latency_low", Double()),
        Column("latency_high", Double()),
        Column("hardware", Text()),
        Column("cost", BigInteger()),
    )


STUDY = Table(
    "kw_study",
    METADATA,
    Column("id", Integer(), primary_key=True),
    Column("name", String(100), unique=True, nullable=False),
    Column("settings", JSON(), nullable=False),
    Column("backbone", JSON(), nullable=False),
    Column("seed", BigInteger(), nullable=False),
    Column("trials", Integer(), nullable=False),
    Column("smallest_params", BigInteger(), nullable=False, server_default="1"),
    Column("reference_params", BigInteger(), nullable=False),
    Column("reference_accuracy", Double(), nullable=False),
    Column("version", String(64), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("lease_owner", Text()),
    Column("lease_until", UtcDateTime()),
    info={
        "doc": "A study: what is searched, and the lease of the process that drives it.\n\n"
        "`smallest_params` and `reference_params` are MACs or nanoseconds where the front is over "
        "these, as `cost` in `kw_trial` is."
    },
)
FRONT = Table(
    "kw_front",
    METADATA,
    Column("id", Integer(), primary_key=True),
    Column("study_id", Integer(), ForeignKey("kw_study.id"), nullable=False),
    Column("number", Integer(), nullable=False),
    Column("trial", Integer(), nullable=False),
    Column("hypervolume", Double(), nullable=False),
    Column("reference_params", BigInteger(), nullable=False),
    Column("reference_accuracy", Double(), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    UniqueConstraint("study_id", "number"),
    info={"doc": "One front that ever was; `trial` is the number of the trial that made it."},
)
TALLY = Table(
    "kw_tally",
    METADATA,
    Column("study_id", Integer(), ForeignKey("kw_study.id"), primary_key=True, autoincrement=False),
    Column("waiting", Integer(), nullable=False, default=0),
    Column("running", Integer(), nullable=False, default=0),
    Column("complete", Integer(), nullable=False, default=0),
    Column("stopped", Integer(), nullable=False, default=0),
    Column("failed", Integer(), nullable=False, default=0),
    Column("infeasible", Integer(), nullable=False, default=0),
    Column("over_budget", Integer(), nullable=False, default=0),
    Column("under_budget", Integer(), nullable=False, default=0),
    Column("over_latency", Integer(), nullable=False, server_default="0"),
    Column("under_latency", Integer(), nullable=False, server_default="0"),
    Column("known", Integer(), nullable=False, default=0),
    Column("epochs", BigInteger(), nullable=False, default=0),
    Column("seconds", Double(), nullable=False, default=0.0),
    Column("front_id", Integer(), ForeignKey("kw_front.id")),
    Column("unit", String(32)),
    info={"doc": "Running counts of a study, its present front, and a token of its last change."},
)
TRIAL = Table(
    "kw_trial",
    METADATA,
    Column("id", Integer(), primary_key=True),
    Column("study_id", Integer(), ForeignKey("kw_study.id"), nullable=False),
    Column("number", Integer(), nullable=False),
    Column("config", ConfigText(), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("params", BigInteger(), nullable=False),
    Column("macs", BigInteger(), nullable=False),
    Column("seed", BigInteger(), nullable=False),
    Column("attempt", Integer(), nullable=False),
    Column("choices", JSON(), nullable=False),
    Column("sampler_state", JSON(), nullable=False),
    Column("state", STATE, nullable=False),
    Column("cause", Text()),
    Column("detail", Text()),
    Column("worker", Text()),
    Column("epochs", Integer(), nullable=False, default=0),
    Column("accuracy", Double()),
    Column("accuracy_error", Double()),
    Column("loss", Double()),
    Column("seconds", Double(), nullable=False, default=0.0),
    Column("started_at", UtcDateTime(), nullable=False),
    Column("finished_at", UtcDateTime()),
    Column("place", Integer()),
    Column("front_id", Integer(), ForeignKey("kw_front.id")),
    *_latency(),
    UniqueConstraint("study_id", "number"),
    UniqueConstraint("study_id", "digest"),
    Index("ix_kw_trial_study_id_state_number", "study_id", "state", "number"),
    CheckConstraint("attempt >= 1", name="attempt"),
    info={
        "doc": "A trial; `epochs` to `seconds` repeat its last measurement, `front_id` is the "
        "front after it.\n\n`place` counts the study's finished trials from 0, so that history "
        "can be read in order. `latency` and its quartiles are seconds of one batch, measured on "
        "`hardware` before the training; NULL where the study measures none. `cost` is what the "
        "front is over: MACs, or nanoseconds of latency; NULL where that is `params`."
    },
)
MEASUREMENT = Table(
    "kw_measurement",
    METADATA,
    Column("trial_id", Integer(), ForeignKey("kw_trial.id"), primary_key=True, autoincrement=False),
    Column("epoch", Integer(), primary_key=True, autoincrement=False),
    Column("attempt", Integer(), nullable=False),
    Column("accuracy", Double(), nullable=False),
    Column("accuracy_error", Double(), nullable=False),
    Column("loss", Double(), nullable=False),
    Column("images", Integer(), nullable=False),
    Column("seconds", Double(), nullable=False),
    Column("measured_at", UtcDateTime(), nullable=False),
    Column("goes_on", Boolean()),
    Column("reason", Text()),
    Column("further", JSON(none_as_null=True)),
    sqlite_with_rowid=False,
    info={
        "doc": "What one trial reached after one epoch, and the attempt that measured it first.\n\n"
        "`goes_on` and `reason` say what promotion decided on it; NULL where nothing was to be "
        "decided. `accuracy` is the study's quality, whatever its name is; `further` has what was "
        'reported beside it, as `{"macro_f1": [value, error]}`, NULL where that is nothing. The '
        "view `kw_values` has both by name, a row each."
    },
)
BASELINE = Table(
    "kw_baseline",
    METADATA,
    Column("id", Integer(), primary_key=True),
    Column("study_id", Integer(), ForeignKey("kw_study.id"), nullable=False),
    Column("number", Integer(), nullable=False),
    Column("role", String(16), nullable=False),
    Column("network", Text(), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("backbone", JSON(none_as_null=True)),
    Column("params", BigInteger(), nullable=False),
    Column("macs", BigInteger(), nullable=False),
    Column("seed", BigInteger(), nullable=False),
    Column("attempt", Integer(), nullable=False, default=0),
    Column("measured_by", Integer(), nullable=False, default=0),
    Column("state", STATE, nullable=False),
    Column("cause", Text()),
    Column("detail", Text()),
    Column("worker", Text()),
    Column("epochs", Integer(), nullable=False, default=0),
    Column("accuracy", Double()),
    Column("accuracy_error", Double()),
    Column("loss", Double()),
    Column("images", Integer()),
    Column("seconds", Double(), nullable=False, default=0.0),
    Column("finished_at", UtcDateTime()),
    Column("schedule_epochs", Integer()),
    *_latency(),
    UniqueConstraint("study_id", "number"),
    UniqueConstraint("study_id", "digest", "seed"),
    CheckConstraint("attempt >= 0", name="attempt"),
    info={
        "doc": "One training of a plain network; `epochs` to `seconds` repeat its last measurement."
        "\n\n`backbone` is the network's table, NULL for the study's own. `measured_by` is the "
        "last attempt that has measured something new. Roles `repeat` and `audit` train the "
        "network of a trial; `schedule_epochs` is the length of an audit's schedule, NULL for that "
        "of the proxy. Latency and cost are as in `kw_trial`."
    },
)
BASELINE_MEASUREMENT = Table(
    "kw_baseline_measurement",
    METADATA,
    Column(
        "baseline_id",
        Integer(),
        ForeignKey("kw_baseline.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("epoch", Integer(), primary_key=True, autoincrement=False),
    Column("attempt", Integer(), nullable=False),
    Column("accuracy", Double(), nullable=False),
    Column("accuracy_error", Double(), nullable=False),
    Column("loss", Double(), nullable=False),
    Column("images", Integer(), nullable=False),
    Column("seconds", Double(), nullable=False),
    Column("measured_at", UtcDateTime(), nullable=False),
    Column("further", JSON(none_as_null=True)),
    sqlite_with_rowid=False,
    info={
        "doc": "What one baseline reached after one epoch, and the attempt that measured it first."
        "\n\n`further` as in `kw_measurement`."
    },
)
MEMBER = Table(
    "kw_front_member",
    METADATA,
    Column("front_id", Integer(), ForeignKey("kw_front.id"), primary_key=True, autoincrement=False),
    Column("place", Integer(), primary_key=True, autoincrement=False),
    Column("trial_id", Integer(), ForeignKey("kw_trial.id"), nullable=False),
    sqlite_with_rowid=False,
    info={"doc": "A trial on a front; `place` ascends with the cost, from 0."},
)
FILE = Table(
    "kw_file",
    METADATA,
    Column("trial_id", Integer(), ForeignKey("kw_trial.id"), primary_key=True, autoincrement=False),
    Column("path", Text(), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger(), nullable=False),
    info={"doc": "The weights of a member of the present front, in the runs folder."},
)
TRAINING = Table(
    "kw_training",
    METADATA,
    Column("id", Integer(), primary_key=True),
    Column("trial_id", Integer(), ForeignKey("kw_trial.id"), index=True, nullable=False),
    Column("epochs", Integer(), nullable=False),
    Column("accuracy", Double(), nullable=False),
    Column("accuracy_error", Double(), nullable=False),
    Column("loss", Double(), nullable=False),
    Column("images", Integer(), nullable=False),
    Column("seconds", Double(), nullable=False),
    Column("data", Text(), nullable=False),
    Column("part", String(16), nullable=False),
    Column("finished_at", UtcDateTime(), nullable=False),
    Column("quality", Text()),
    Column("detector", Text()),
    Column("further", JSON(none_as_null=True)),
    info={
        "doc": "What one full training of a trial's configuration reached.\n\n"
        "`quality` names what `accuracy` holds where it is another value, such as `map`; "
        "`detector` the detector whose backbone the network was, NULL where it was trained itself; "
        "`further` is as in `kw_measurement`."
    },
)
