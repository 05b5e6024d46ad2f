"""An audit trains networks of a study for longer, whoever interrupts it, and is told everywhere."""

import html
import json

import pytest
from typer.testing import CliRunner

from kwsearch import api
from kwsearch.cli import app
from kwsearch.settings import from_plain
from search_spaces import InputError
from trials.errors import InterruptedSearchError
from trials.records import Role, TrialState
from trials.store import open_store
from trials.store.check import check
from trials.store.merge import merge

STUDY = {
    "name": "small",
    "space": {
        "backbone": "resnet8x0.25",
        "cell_num_ratio": {"low": 0.125, "high": 2.0, "log": True},
    },
    "proxy": {"data": "digits", "epochs": [1, 2], "batch_size": 512, "training_share": 0.2},
    "baselines": {"seeds": 0},
    "search": {"trials": 6, "sampler": "random", "eta": 3.0},
    "execution": {"threads": 1},
}


@pytest.fixture(autouse=True)
def _elsewhere(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)


def audits(database=None):
    """Length, trial, state, and curve without what clocks say, of every audit."""
    with open_store(database, create=False, read_only=True) as store:
        found = store.baselines("small")
        curves = store.baseline_measurements("small")
    assert {one.baseline.role for one in found} <= {Role.AUDIT}
    return [
        (
            one.baseline.schedule_epochs,
            one.baseline.repeats.number,
            one.state,
            [(m.epoch, m.accuracy, m.loss) for number, m in curves if number == one.number],
        )
        for one in found
    ]


def test_an_audit_is_interrupted_goes_on_and_is_told_everywhere(quick_path):
    api.search(from_plain(STUDY))
    assert api.status("small")["audit"] is None
    seen = []

    def interrupt(progress):
        seen.append(progress)
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedSearchError) as caught:
        api.audit("small", networks=4, epochs=6, watch=interrupt)
    assert "kwsearch audit small" in caught.value.cure
    assert "is not over" in api.status("small")["audit"]
    before = audits()
    api.resume("small")
    assert audits() == before, "a search leaves audits to the audit"
    found = api.audit("small", watch=seen.append)
    after = audits()
    assert [one[:2] for one in after] == [one[:2] for one in before]
    assert {state for _, _, state, _ in after} == {TrialState.COMPLETE}
    assert {length for length, *_ in after} <= {2, 6}
    assert all([e for e, *_ in curve] == [2, 4, 6] for n, _, _, curve in after if n == 6)
    assert seen[-1].baselines == len(after)
    assert not [*quick_path.glob("runs/small/checkpoints/*/audits/*")], "none is left behind"
    assert check("runs/kwsearch.db", runs=quick_path / "runs") == []

    again = api.audit("small", watch=pytest.fail)
    assert again == found
    assert len(found["networks"]) == 4
    trials = {row["trial"]: row for row in api.trials("small")}
    for row in found["networks"]:
        trial = trials[row["trial"]]
        assert row["after_1"] is not None
        assert row["stopped_at"] == (1 if trial["state"] == "stopped" else None)
        if trial["state"] == "complete":
            assert row["after_2"] == trial["accuracy"]
    assert "stopped" in {trials[row["trial"]]["state"] for row in found["networks"]}
    assert {row["rung"] for row in found["taus"]} == {1, 2}
    assert api.status("small")["audit"] == found["sentence"]
    assert api.status("small")["baselines"] == {}
    page = api.report("small", output="out.html").read_text(encoding="utf-8")
    assert html.escape(found["sentence"], quote=False) in html.unescape(page).replace("&", "&amp;")

    ended = CliRunner().invoke(app, ["audit", "small", "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout) == json.loads(json.dumps(found))
    ended = CliRunner().invoke(app, ["audit", "small"])
    assert found["sentence"] in ended.stderr
    assert "after_2" in ended.stdout
    merge(["runs/kwsearch.db"], into="other.db")
    assert api.audit("small", database="other.db") == found
    assert check("other.db", runs=quick_path / "runs") == []


def test_a_like_study_copies_an_audit_and_a_longer_one_is_another():
    api.search(from_plain(STUDY))
    first = api.audit("small", networks=3, epochs=4)
    api.search(from_plain({**STUDY, "name": "again"}))
    with pytest.MonkeyPatch.context() as patch:
        target = "trials.tasks.classification.plain.StudyTask.__call__"
        patch.setattr(target, lambda *_: pytest.fail("was trained again"))
        again = api.audit("again", networks=3, epochs=4)
    assert [row["long_4"] for row in again["networks"]] == [
        row["long_4"] for row in first["networks"]
    ]
    longer = api.audit("small", networks=3, epochs=5)
    assert (longer["epochs"], first["epochs"]) == (5, 4)
    assert api.audit("small", networks=3, epochs=4) == first
    assert api.audit("small")["epochs"] == 5


def test_what_cannot_be_audited_is_said():
    api.search(from_plain(STUDY))
    with pytest.raises(InputError, match="no longer than the 2") as caught:
        api.audit("small", epochs=2)
    assert "--epochs 10" in caught.value.cure
    with open_store(None) as store:
        assert store.baselines("small") == []


def test_the_schedule_is_stretched():
    """Warm-up is the same share of the training, and the peak is the same."""
    from trials.tasks.classification.recipe import Recipe, stretched  # noqa: PLC0415 - one test's

    recipe = Recipe(epochs=9, warmup_epochs=0.5, temperature_share=0.1, learning_rate=0.2)
    longer = stretched(recipe, 45)
    assert (longer.epochs, longer.warmup_epochs, longer.temperature_share) == (45, 2.5, 0.1)
    assert longer.learning_rate == recipe.learning_rate
