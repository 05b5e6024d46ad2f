"""Samplers and executors of other distributions: the examples of their page, as installed."""

import re
import sys
from pathlib import Path

import pytest

from kwsearch import api, driving
from kwsearch.settings import from_plain
from search_spaces import InputError
from trials.errors import InterruptedSearchError
from trials.records import Measurement, Verdict
from trials.store import open_store

PAGE = (Path(__file__).parents[2] / "docs" / "plug-ins.md").read_text(encoding="utf-8")
SAMPLER, EXECUTOR = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
POINTS = """
[kwsearch.samplers]
climber = kw_example_sampler:Climber
gone = kw_example_sampler:Gone
[kwsearch.executors]
noting = kw_example_executor:make_executor
"""


def learn(trial, report):
    """A made-up training: accuracy follows from the network alone."""
    for epoch in (1, 2):
        accuracy = (int(trial.digest[:6], 16) % 900 + 50 + epoch) / 1000
        if report(Measurement(epoch, accuracy, 0.02, 1 - accuracy, 299, 1.0)) is Verdict.STOP:
            return


@pytest.fixture(autouse=True)
def folder(quick_path, monkeypatch):
    """A current folder, with the examples installed in a site folder."""
    site = quick_path / "site"
    described = site / "kw_example-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: kw-example\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(POINTS)
    (site / "kw_example_sampler.py").write_text(SAMPLER)
    (site / "kw_example_executor.py").write_text(EXECUTOR)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(quick_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    monkeypatch.setattr(driving, "measure", lambda *_: learn)
    return quick_path


def table(name):
    return [(row["digest"], row["state"], row["accuracy"]) for row in api.trials(name)]


def study(settings, name, **changes):
    changed = {
        section: {**values, **changes.get(section, {})}
        for section, values in {**settings, "execution": {}}.items()
        if section != "name"
    }
    return from_plain({"name": name, **changed})


def test_a_sampler_of_another_distribution_learns_and_goes_on_where_it_was(settings_of_small):
    wanted = {"sampler": "climber", "reuse": False}
    api.search(study(settings_of_small, "whole", search=wanted))

    def interrupt(progress):
        if progress.finished == 5:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedSearchError):
        api.search(study(settings_of_small, "parts", search=wanted), watch=interrupt)
    api.resume("parts")
    assert table("parts") == table("whole")
    with open_store(None, create=False) as store:
        records = store.trials("whole")
    for record in records[1:]:
        best = max(records[: record.number], key=lambda before: before.accuracy)
        steps = [name for name, value in record.values.items() if value != best.values[name]]
        assert len(steps) == 1, "one step from the best so far"


def test_an_executor_of_another_distribution_gives_the_same_table(folder, settings_of_small):
    settings_of_small["search"]["reuse"] = False
    api.search(study(settings_of_small, "ours"))
    api.search(study(settings_of_small, "theirs", execution={"executor": "noting"}))
    assert table("theirs") == table("ours")
    lines = (folder / "runs/theirs/noting/trials.txt").read_text().splitlines()
    assert [line for line in lines if line[0] != "b"] == [f"{number} 2" for number in range(12)]


@pytest.mark.parametrize(
    ("section", "setting", "told"),
    [
        ("search", {"sampler": "climbr"}, "gp, exact, random, qmc, climber, gone.*'climber'?"),
        ("execution", {"executor": "serail"}, "serial, ray, noting.*'serial'?"),
        ("search", {"sampler": "gone"}, "kw_example_sampler:Gone, which cannot be loaded"),
    ],
)
def test_what_is_not_there_is_refused(settings_of_small, section, setting, told):
    with pytest.raises(InputError, match=told):
        api.search(study(settings_of_small, "refused", **{section: setting}))


def test_a_study_is_read_where_its_plug_in_is_not_installed(folder, settings_of_small, monkeypatch):
    api.search(study(settings_of_small, "theirs", execution={"executor": "noting"}))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(folder / "site")])
    assert len(api.front("theirs")) > 0
    assert api.export("theirs", folder=folder / "out", trial=0).is_dir()
    with pytest.raises(InputError, match="No installed distribution gives 'noting'"):
        api.resume("theirs", trials=13)
