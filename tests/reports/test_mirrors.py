"""What other programs are given is the study, read back with their own readers."""

import json
import sqlite3
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from kwsearch.cli import app
from reports import mirrors
from trials.records import TrialState

events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def mirror(*words):
    return CliRunner().invoke(app, ["mirror", *map(str, words)])


@pytest.fixture(scope="module")
def folder(made_up, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    ended = mirror("made-up", "--tensorboard", folder, "--database", made_up)
    assert (ended.exit_code, ended.stdout.strip()) == (0, str(folder / "made-up"))
    return folder


def run(folder, number):
    found = events.EventAccumulator(str(folder / "made-up" / f"{number:05}"))
    return found.Reload()


def test_every_trial_has_a_run_with_its_curve(folder, summary):
    for record in summary.trials:
        found, curve = run(folder, record.number), summary.measurements[record.number]
        accuracy = found.Tensors("accuracy")
        assert [e.step for e in accuracy] == [m.epoch for m in curve]
        values = [e.tensor_proto.float_val[0] for e in accuracy]
        assert values == pytest.approx([m.accuracy for m in curve])
        losses = [e.tensor_proto.float_val[0] for e in found.Tensors("loss")]
        assert losses == pytest.approx([m.loss for m in curve])
        (params,) = found.Tensors("params")
        assert params.tensor_proto.float_val[0] == record.trial.params
        assert found.FirstEventTimestamp() == record.started_at.timestamp()


def test_hparams_hold_the_choices_and_how_the_trial_ended(folder, summary):
    plugin = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    api = pytest.importorskip("tensorboard.plugins.hparams.api_pb2")
    for record in summary.trials:
        content = run(folder, record.number).summary_metadata
        start, end = (
            plugin.HParamsPluginData.FromString(
                content[f"_hparams_/session_{at}_info"].plugin_data.content
            )
            for at in ("start", "end")
        )
        start, end = start.session_start_info, end.session_end_info
        chosen = {
            name: value.string_value or value.number_value for name, value in start.hparams.items()
        }
        assert chosen == pytest.approx(dict(record.values))
        failed = record.state is TrialState.FAILED
        assert end.status == (api.STATUS_FAILURE if failed else api.STATUS_SUCCESS)


def test_writing_again_changes_nothing_and_spares_what_else_is_there(folder, made_up):
    other = folder / "another" / "notes.txt"
    other.parent.mkdir(exist_ok=True)
    other.write_text("mine", encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert mirror("made-up", "--tensorboard", folder, "--database", made_up).exit_code == 0
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_a_mirror_needs_a_place(made_up):
    ended = mirror("made-up", "--database", made_up)
    assert ended.exit_code == 2
    assert "--tensorboard" in ended.stderr


@pytest.mark.parametrize("program", ["tensorboard", "mlflow", "wandb", "trackio"])
def test_a_program_that_is_not_installed_is_named_with_its_extra(
    made_up, tmp_path, monkeypatch, program
):
    monkeypatch.setitem(sys.modules, f"reports.mirrors.{program}", None)
    monkeypatch.delattr(mirrors, program, raising=False)  # an earlier test may have loaded it
    ended = mirror("made-up", f"--{program}", tmp_path / "x", "--database", made_up)
    assert ended.exit_code == 2
    assert f"pip install 'kernelwarehouse-search[{program}]'" in ended.stderr


@pytest.mark.filterwarnings("default")  # mlflow itself uses what SQLAlchemy will drop
def test_mlflow_has_a_run_a_trial_and_only_new_ones_are_added(summary, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    from reports.mirrors.mlflow import log_runs  # noqa: PLC0415 - needs mlflow

    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    first = summary.trials[0]
    set_back = replace(first, finished_at=first.started_at - timedelta(hours=1))
    some = replace(summary, trials=(set_back, *summary.trials[1:5]))
    assert log_runs(some, address) == 5
    assert log_runs(replace(summary, trials=summary.trials[:8]), address) == 3
    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("made-up")
    cut_off = {"kwsearch.digest": summary.trials[7].trial.digest, "kwsearch.trial": "7"}
    client.create_run(experiment.experiment_id, tags=cut_off)
    client.create_run(experiment.experiment_id, tags={"mine": "yes"}, run_name="another's")
    assert log_runs(replace(summary, trials=summary.trials[:8]), address) == 0
    found = client.search_runs([experiment.experiment_id])
    assert len(found) == 9, "another's run is left alone"
    ours = [run for run in found if "mine" not in run.data.tags]
    runs = {int(run.data.tags["kwsearch.trial"]): run for run in ours}
    assert sorted(runs) == list(range(8))
    for record in summary.trials[:8]:
        found = runs[record.number]
        assert found.data.params == {name: str(value) for name, value in record.values.items()}
        history = client.get_metric_history(found.info.run_id, "accuracy")
        curve = [(m.epoch, m.accuracy) for m in summary.measurements[record.number]]
        assert sorted((m.step, m.value) for m in history) == curve
        assert found.info.end_time >= found.info.start_time
        assert found.info.status == ("FAILED" if record.state is TrialState.FAILED else "FINISHED")


def records(data):
    """Messages of a file that is laid out as LevelDB lays out its logs, in blocks of 32 KiB."""
    at, message = 7, b""
    while at + 7 <= len(data):
        if 0x8000 - at % 0x8000 < 7:  # what is left of a block holds no header
            at += 0x8000 - at % 0x8000
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        message += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield message
            message = b""


def offline_runs(folder):
    """Runs of Weights & Biases that a folder holds: configuration, history, summary, exit code."""
    from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415 - needs wandb

    for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        found = {"config": {}, "history": [], "summary": {}}
        for record in map(Record.FromString, records(path.read_bytes())):
            if record.HasField("run"):
                found["name"], found["group"] = record.run.display_name, record.run.run_group
                changed = {u.key: json.loads(u.value_json) for u in record.run.config.update}
                found["config"] |= changed
            if record.HasField("history"):
                items = {
                    i.key or i.nested_key[0]: json.loads(i.value_json) for i in record.history.item
                }
                found["history"].append(items)
            if record.HasField("summary"):
                for item in record.summary.update:
                    key = item.key or item.nested_key[0]
                    found["summary"][key] = json.loads(item.value_json)
            if record.HasField("exit"):
                found["exit"] = record.exit.exit_code
        yield found


@pytest.mark.filterwarnings("default")  # its own
def test_weights_and_biases_offline_has_a_run_a_trial_and_only_new_ones_are_added(
    summary, tmp_path, monkeypatch
):
    pytest.importorskip("wandb")
    from reports.mirrors.wandb import log_runs  # noqa: PLC0415 - needs wandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    assert log_runs(replace(summary, trials=summary.trials[:2]), "someone/cells") == 2
    cut_off = tmp_path / "wandb" / ".kwsearch-x" / "wandb" / "offline-run-1-cut"
    cut_off.mkdir(parents=True)
    assert log_runs(replace(summary, trials=summary.trials[:3]), "someone/cells") == 1
    assert log_runs(replace(summary, trials=summary.trials[:3]), "someone/cells") == 0
    runs = {run["name"]: run for run in offline_runs(tmp_path)}
    assert sorted(runs) == ["made-up-0", "made-up-1", "made-up-2"]
    for record in summary.trials[:3]:
        run, curve = runs[f"made-up-{record.number}"], summary.measurements[record.number]
        assert run["group"] == "made-up"
        assert {key: run["config"][key] for key in record.values} == dict(record.values)
        history = [(row["_step"], row["accuracy"], row["loss"]) for row in run["history"]]
        assert history == [(m.epoch, m.accuracy, m.loss) for m in curve]
        assert run["summary"]["params"] == record.trial.params
        assert run["summary"]["digest"] == record.trial.digest
        assert run["exit"] == int(record.state is TrialState.FAILED)


@pytest.mark.filterwarnings("default")  # its own
def test_trackio_has_a_run_a_trial_and_only_new_ones_are_added(summary, made_up, tmp_path):
    """In a process of its own, as trackio reads its folder when it is imported."""
    pytest.importorskip("trackio")
    folder = tmp_path / "trackio"
    command = [sys.executable, "-m", "kwsearch", "mirror", "made-up", "--trackio", str(folder)]

    def told():
        words = [*command, "--database", str(made_up)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    over = [record for record in summary.trials if record.state.final]
    assert told() == f"{len(over)} runs added to project made-up in {folder}\n"
    with sqlite3.connect(folder / "made-up.db") as raw:  # as one that was cut off is called
        for table in ("metrics", "configs"):
            change = f"UPDATE {table} SET run_name = 'x.part' WHERE run_name LIKE 'made-up-1-%'"  # noqa: S608 - a name from above
            raw.execute(change)
    raw.close()
    assert told() == f"1 runs added to project made-up in {folder}\n"
    with sqlite3.connect(folder / "made-up.db") as raw:
        rows = raw.execute("SELECT run_name, step, metrics FROM metrics ORDER BY step").fetchall()
    raw.close()
    assert len({run for run, *_ in rows}) == len(over)
    for record in over:
        name = f"made-up-{record.number}-{record.trial.digest[:6]}"
        found = [(step, json.loads(text)) for run, step, text in rows if run == name]
        assert found[0][1]["params"] == record.trial.params
        curve = [(step, values["accuracy"]) for step, values in found if "accuracy" in values]
        measured = summary.measurements[record.number]
        assert curve == [(m.epoch, m.accuracy) for m in measured]
