"""What people ask of a study: show, compare, report and frames, on a made-up study."""

import json
import shutil
import sys
from types import SimpleNamespace
from typing import get_type_hints

import moocore
import pandas as pd
import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

import kwsearch
from kwsearch import api
from kwsearch.cli import app
from kwsearch.frames import COLUMNS, MEASURED
from kwsearch.rows import BestRow, CurveRow, FrontRow, ShownTrial, TrialRow
from search_spaces import InputError, NetworkConfig
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.execution import run_serially
from trials.fidelity import Ladder
from trials.promotion import Halving
from trials.records import Measurement, NewStudy, TrialState, Verdict
from trials.search import Search
from trials.store import open_store

SPACE = Space(
    shipped("resnet8", 10, 1, (8, 8)),
    {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "sharing_range": Options(("none", "layer", "stage")),
    },
)
LIMITS, LADDER = Limits(max_params=200_000), Ladder((1, 3))
FORMULA = "=cmd()"


def learn(trial, report):
    if trial.number == 2:
        raise ValueError(FORMULA)
    for epoch in LADDER.rungs:
        accuracy = 0.1 + trial.params / 400_000 + 0.01 * epoch
        if report(Measurement(epoch, accuracy, 0.01, 1.0, 100, float(epoch))) is Verdict.STOP:
            return


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Two studies alike but for their seed, and one on other images."""
    path = str(tmp_path_factory.mktemp("reading") / "kwsearch.db")
    with open_store(path) as store:
        for seed, (name, data) in enumerate([("a", "digits"), ("b", "digits"), ("c", "svhn")]):
            settings = {"proxy": {"data": data, "epochs": [1, 3]}}
            table = SPACE.backbone
            study = store.create_study(
                NewStudy(name, settings, table, seed, 12, 1_000, 200_000, 0.1)
            )
            halving = Halving(3, 10_000, 200_000)
            search = Search(store, study, SPACE, LIMITS, LADDER, "random", FORMULA, halving)
            run_serially(search, learn)
        newer = {**store.study("a").spec.settings, "training": 1}
        store.create_study(NewStudy("newer", newer, table, 0, 12, 1_000, 200_000, 0.1))
    return path


def test_rows_have_the_keys_that_stand_in_rows(database):
    """Values too are of the types that are written there."""
    given = {
        TrialRow: api.trials("a", database=database),
        FrontRow: api.front("a", database=database),
        BestRow: [api.best("a", database=database)],
        ShownTrial: [api.show("a", n, database=database) for n in range(4)],
        CurveRow: api.show("a", 0, database=database)["measurements"],
    }
    for kind, rows in given.items():
        assert rows
        hints = get_type_hints(kind)
        for row in rows:
            assert row.keys() == kind.__required_keys__  # no latency is measured here
            for key in row.keys() - {
                "measurements",
                "beaten_by",
                "reported",
            }:  # which are rows in turn
                TypeAdapter(hints[key]).validate_python(row[key], strict=True)


@pytest.fixture(scope="module")
def records(database):
    with open_store(database, read_only=True) as store:
        return store.trials("a")


def run(*words):
    return CliRunner().invoke(app, words)


def test_a_frame_of_trials_has_a_row_a_trial_and_a_column_a_setting(database, records):
    frame = kwsearch.trials("a", database=database)
    assert list(frame.columns) == [*COLUMNS, "cell_num_ratio", "sharing_range"]
    assert frame["trial"].tolist() == list(range(12))
    assert frame["params"].tolist() == [r.trial.params for r in records]
    assert frame["accuracy"].isna().tolist() == [r.accuracy is None for r in records]
    assert str(frame["finished_at"].dtype) == "datetime64[us, UTC]"
    configs = [NetworkConfig.from_json(text) for text in frame["config"]]
    assert configs == [r.trial.config for r in records]


def test_a_frame_of_the_front_rises_in_both(database):
    frame = kwsearch.front("a", database=database)
    assert len(frame) > 1
    assert frame["params"].is_monotonic_increasing
    assert frame["accuracy"].is_monotonic_increasing
    small = kwsearch.front("a", database=database, max_params=int(frame["params"].iloc[0]))
    assert len(small) == 1


def test_a_frame_of_measurements_has_a_row_a_trial_and_epoch(database, records):
    frame = kwsearch.measurements("a", database=database)
    assert list(frame.columns) == list(MEASURED)
    assert not frame.duplicated(["trial", "epoch"]).any()
    last = frame.groupby("trial")["accuracy"].last()
    assert last.to_dict() == {r.number: r.accuracy for r in records if r.accuracy is not None}


def test_parquet_reads_back_as_the_frame_and_says_what_it_needs(database, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow, which is optional")
    path = tmp_path / "trials.parquet"
    ended = run("trials", "a", "--parquet", str(path), "--database", database)
    assert ended.exit_code == 0, ended.output
    pd.testing.assert_frame_equal(
        pd.read_parquet(path), kwsearch.trials("a", database=database), check_dtype=False
    )
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="pyarrow"):
        api.parquet("a", output=tmp_path / "other.parquet", database=database)


def test_a_trial_that_was_stopped_shows_why_and_who_beats_it(database, records):
    stopped = next(r for r in records if r.state is TrialState.STOPPED)
    shown = api.show("a", stopped.number, database=database)
    assert (shown["state"], shown["cause"], shown["on_front"]) == ("stopped", "promotion", False)
    assert shown["detail"] == stopped.detail
    (measured,) = shown["measurements"]
    assert (measured["epoch"], measured["goes_on"]) == (1, False)
    assert measured["reason"] == stopped.detail
    for other in shown["beaten_by"]:
        assert other["params"] <= stopped.trial.params
        assert other["accuracy"] >= stopped.accuracy


def test_a_trial_that_went_on_shows_why(database, records):
    complete = next(r for r in records if r.state is TrialState.COMPLETE)
    first, *_, last = api.show("a", complete.number, database=database)["measurements"]
    assert first["goes_on"] is True
    assert first["reason"]
    assert (last["goes_on"], last["reason"]) == (None, None)
    printed = run("show", "a", str(complete.number), "--database", database).stdout
    assert first["reason"].partition(":")[0].split(",")[0] in " ".join(printed.split())


def test_a_member_of_the_front_is_beaten_by_nobody(database):
    for number in kwsearch.front("a", database=database)["trial"]:
        shown = api.show("a", int(number), database=database)
        assert (shown["on_front"], shown["beaten_by"]) == (True, [])


def test_a_trial_without_a_measurement_can_be_shown(database):
    shown = api.show("a", 2, database=database)
    assert (shown["accuracy"], shown["measurements"], shown["beaten_by"]) == (None, [], [])
    ended = run("show", "a", "2", "--database", database)
    assert ended.exit_code == 0
    assert FORMULA in ended.stdout


def test_a_cell_that_a_spreadsheet_would_run_is_guarded(database):
    ended = run("show", "a", "2", "--database", database, "--csv")
    assert f",'{FORMULA}," in ended.stdout  # who measured it
    assert f",{FORMULA}" not in ended.stdout


def facts(rows):
    return {row["fact"]: (row["a"], row["b"]) for row in rows}


def test_studies_of_two_seeds_are_measured_from_one_corner_and_said_to_differ(database):
    found = facts(api.compare("a", "b", database=database))
    with open_store(database, read_only=True) as store:
        for name, share in zip("ab", found["hypervolume"], strict=True):
            assert share == pytest.approx(store.study(name).hypervolume)
        sizes = tuple(len(store.front(name)) for name in "ab")
    assert found["front"] == sizes
    assert found["trials"] == (12, 12)
    assert (found["seed"], found["trained_differently_in"]) == ((0, 1), ("seed", "seed"))
    assert "front_beaten_by_the_other" not in found  # held-out images and starts differ


@pytest.mark.parametrize("command", [("status", "a"), ("compare", "a", "b")])
def test_hypervolume_over_sizes_from_zero_is_for_those_who_ask(database, command):
    """The area up to the budget and the accuracy of guessing, by moocore."""
    with open_store(database, read_only=True) as store:
        points = [(m.trial.params, 1 - m.accuracy) for m in store.front("a")]
        share = store.study("a").hypervolume
    shown = {}
    for scale in ("log", "linear"):
        ended = run(*command, "--hypervolume", scale, "--database", database, "--json")
        found = json.loads(ended.stdout)
        shown[scale] = (
            found["hypervolume"] if command[0] == "status" else facts(found)["hypervolume"][0]
        )
    assert shown["log"] == pytest.approx(share)
    whole = moocore.hypervolume(points, ref=(200_000, 0.9)) / (200_000 * 0.9)
    assert shown["linear"] == pytest.approx(whole)


def test_a_study_is_not_beaten_by_itself(database):
    found = facts(api.compare("a", "a", database=database))
    assert found["front_beaten_by_the_other"] == (0, 0)
    assert found["trained_differently_in"] == ("nothing", "nothing")


def test_accuracies_on_other_images_are_not_compared(database):
    found = facts(api.compare("a", "c", database=database))
    assert "hypervolume" not in found
    assert found["trained_differently_in"][0] == "seed, proxy.data"


def test_studies_of_two_versions_of_the_training_are_not_compared(database):
    found = facts(api.compare("a", "newer", database=database))
    assert "hypervolume" not in found
    assert found["training"] == (0, 1)
    assert found["trained_differently_in"] == ("training", "training")


def test_two_trials_stand_side_by_side(database, records):
    found = facts(api.compare("a:0", "b:1", database=database))
    assert found["trial"] == ("a:0", "b:1")
    assert found["params"][0] == records[0].trial.params
    assert {"cell_num_ratio", "sharing_range"} <= found.keys()


@pytest.mark.parametrize(("a", "b"), [("a", "b:1"), ("a:x", "b:1"), ("a:99", "b:1"), ("a", "d")])
def test_what_cannot_be_compared_is_refused(database, a, b):
    with pytest.raises(InputError):
        api.compare(a, b, database=database)


def test_a_report_is_a_page_or_a_picture_by_its_ending(database, tmp_path):
    for name in ("page.html", "front.svg"):
        ended = run("report", "a", "-o", str(tmp_path / name), "--database", database)
        assert ended.exit_code == 0, ended.output
        assert ended.stdout.strip() == str(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    refused = run("report", "a", "-o", str(tmp_path / "page.doc"), "--database", database)
    assert refused.exit_code == 2
    assert ".html, .png, .pdf, .svg" in refused.stderr


def test_a_report_that_cannot_be_written_ends_with_3_and_leaves_nothing(
    database, tmp_path, monkeypatch
):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ended = run("report", "a", "-o", str(tmp_path / "page.html"), "--database", database)
    assert ended.exit_code == 3
    assert "No space left" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_page_goes_where_runs_go(monkeypatch, database, tmp_path):
    monkeypatch.chdir(tmp_path)
    shutil.copy(database, tmp_path / "a.db")
    assert api.report("a", database="a.db").as_posix() == "runs/a/report.html"


def test_every_verb_of_the_package_is_there():
    assert {name for name in kwsearch.__all__ if not callable(getattr(kwsearch, name))} == set()
    assert set(kwsearch.__all__) <= set(dir(kwsearch))
    with pytest.raises(AttributeError):
        _ = kwsearch.no_such_verb


def test_trials_are_listed_as_json(database, records):
    rows = json.loads(run("trials", "a", "--json", "--database", database).stdout)
    assert [row["trial"] for row in rows] == [r.number for r in records]
    assert SimpleNamespace(**rows[0]).digest == records[0].trial.digest
