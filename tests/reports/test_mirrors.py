"""What other programs are given is the study, read back with their own readers."""

import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from kwsearch.cli import app
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


@pytest.mark.parametrize("program", ["tensorboard", "mlflow"])
def test_a_program_that_is_not_installed_is_named_with_its_extra(
    made_up, tmp_path, monkeypatch, program
):
    monkeypatch.setitem(sys.modules, f"reports.mirrors.{program}", None)
    ended = mirror("made-up", f"--{program}", tmp_path / "x", "--database", made_up)
    assert ended.exit_code == 2
    assert f"pip install 'kwsearch[{program}]'" in ended.stderr


@pytest.mark.filterwarnings("default")  # mlflow itself uses what SQLAlchemy will drop
def test_mlflow_has_a_run_a_trial_and_only_new_ones_are_added(summary, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    from reports.mirrors.mlflow import log_runs  # noqa: PLC0415 - needs mlflow

    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    some = replace(summary, trials=summary.trials[:5])
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
        assert found.info.status == ("FAILED" if record.state is TrialState.FAILED else "FINISHED")
