"""Studies that a person's own function measures: from files and Python, killed and resumed."""

# ruff: noqa: ARG001, ARG005, PLC0415 - measures take what they are given, as people write them

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kwsearch
from kwsearch import api, driving, seeding
from search_spaces import InputError
from trials.errors import InterruptedSearchError, NothingFoundError
from trials.records import TrialState
from trials.store import open_store
from trials.tasks.contract import is_same

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own_task.py"
STUDY = {
    "name": "own",
    "space": {"backbone": "resnet8x0.25", "cell_num_ratio": [0.25, 0.5, 1.0, 2.0]},
    "task": {"input": [1, 8, 8], "outputs": 10, "epochs": [1, 3]},
    "baselines": {"seeds": 0},
    "search": {"trials": 2, "sampler": "random", "promotion": "none"},
}


@pytest.fixture(autouse=True)
def _elsewhere(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)


def study(**sections):
    plain = {**STUDY}
    for section, values in sections.items():
        plain[section] = plain.get(section, {}) | values
    return plain


HERE = {"execution": {"isolate": False}}
"""Measured in this process, where that says as much."""


def by_size(network, report):
    """Untrained: larger is better."""
    size = sum(parameter.numel() for parameter in network.parameters())
    for epoch in (1, 3):
        if not report(epoch, accuracy=min(size / 1e6 + epoch / 10, 1.0), images=100):
            return


@pytest.mark.slow
def test_the_page_is_a_study_file_of_the_example_and_its_networks_are_handed_over(monkeypatch):
    """Real trainings, in processes of their own; weights are exported, verified and loaded."""
    page = (ROOT / "docs" / "own-task.md").read_text()
    (toml,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    Path("own.toml").write_text(toml)
    shutil.copy(EXAMPLE, "own_task.py")
    found = api.search("own.toml", trials=2)
    try:
        assert found.states[TrialState.COMPLETE] >= 1
        assert set(found.measurements["epoch"]) == {1, 3}
        assert set(found.measurements["images"]) == {360}
        assert found.best["accuracy"] > 0.5  # guessing reaches 0.1
        (plain,) = [row for row in api.baselines("own") if row["network"] == "resnet8x0.25"]
        assert plain["accuracy"] > 0.5
        folder = api.export("own", trial=found.best["trial"], folder="best")
        assert not (Path(folder) / "recipe.toml").exists()
        assert "own_task:measure" in (Path(folder) / "README.md").read_text()
        kwsearch.verify(folder)
        assert api.check_database("own")["faults"] == []
        network = kwsearch.load(folder).network(trust_code=True)
        monkeypatch.syspath_prepend(".")
        *_, unseen, answers = importlib.import_module("own_task").digits()
        right = (network(unseen).argmax(1) == answers).float().mean().item()
        assert right == pytest.approx(found.best["accuracy"], abs=1e-6)
        with pytest.raises(InputError, match=r"measured by own_task:measure: its training is your"):
            kwsearch.train(folder)
        report = api.report("own")
        assert "own_task:measure" in report.read_text()
    finally:
        sys.modules.pop("own_task", None)


def test_a_function_at_hand_gives_a_study_with_its_frames():
    seen = []
    found = kwsearch.search(study(**HERE), task=by_size, callbacks=[seen.append])
    assert [progress.finished for progress in seen] == [1, 2]
    assert found.finished == 2
    assert list(found.front["accuracy"]) == sorted(found.frame["accuracy"])
    assert found.best["accuracy"] == found.frame["accuracy"].max()
    assert len(found.measurements) == 4
    assert [*kwsearch.front("own")["trial"]] == [*found.front["trial"]]


def test_a_function_of_a_script_runs_in_processes_of_its_own():
    script = Path("script.py")
    script.write_text(
        "import kwsearch\n"
        f"STUDY = {study()!r}\n"
        "OFFSET = 0.25\n"
        "def measure(network, report):\n"
        "    for epoch in (1, 3):\n"
        "        report(epoch, accuracy=OFFSET)\n"
        "if __name__ == '__main__':\n"
        "    print(kwsearch.search(STUDY, task=measure).best['accuracy'])\n"
    )
    ran = subprocess.run(
        [sys.executable, script], check=False, capture_output=True, text=True, timeout=900
    )
    assert ran.stdout.strip() == "0.25", ran.stderr
    with pytest.raises(InputError, match=r"measure, was given in Python.*kwsearch.resume"):
        api.resume("own", trials=3)
    with pytest.raises(
        InputError, match=r"is measured by __main__:measure, and .*by_size was given"
    ):
        api.resume("own", trials=3, task=by_size)


@pytest.mark.slow
def test_two_workers_of_ray_measure_what_one_process_does():
    def measure(network, report):
        for epoch in (1, 3):
            report(epoch, accuracy=sum(p.numel() for p in network.parameters()) / 1e6)

    alone = kwsearch.search(study(**HERE), task=measure)
    ray = {"executor": "ray", "workers": 2}
    both = kwsearch.search({**study(execution=ray), "name": "ray"}, task=measure)
    columns = ["digest", "accuracy", "epochs", "state"]
    assert both.frame[columns].equals(alone.frame[columns])
    assert api.check_database("ray")["faults"] == []


def test_a_trial_whose_process_is_killed_goes_on_from_its_state():
    """Weights and epochs are those of the first attempt; nothing is trained twice."""

    def measure(network, report, state):
        import torch

        first, kept = 1, state.load()
        if kept is not None:
            first = int(kept.pop("epoch")) + 1
            network.load_state_dict(kept)
        for epoch in range(first, 4):
            with Path("epochs").open("a") as file:
                file.write(f"{epoch} ")
            with torch.no_grad():
                next(network.parameters()).fill_(epoch)
            state.save({"epoch": epoch, **network.state_dict()})
            mean = next(network.parameters()).mean().item() / 10
            if not report(epoch, accuracy=mean):
                return
            if epoch == 2 and not Path("killed").exists():
                Path("killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)

    found = kwsearch.search(study(search={"trials": 1}), task=measure)
    assert Path("epochs").read_text().split() == ["1", "2", "3"]
    assert list(found.measurements["accuracy"].round(6)) == [0.1, 0.3]
    assert found.states[TrialState.COMPLETE] == 1


@pytest.mark.fault
def test_a_search_that_is_killed_is_resumed_from_the_state_of_its_trial():
    """The driver is gone at once, and its trial with it; no epoch is trained twice."""
    Path("slow.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "def measure(network, report, state):\n"
        "    kept = state.load() or {'epoch': 0}\n"
        "    for epoch in range(int(kept['epoch']) + 1, 4):\n"
        "        with Path('epochs').open('a') as file:\n"
        "            file.write(f'{epoch} ')\n"
        "        state.save({'epoch': epoch})\n"
        "        report(epoch, accuracy=epoch / 10)\n"
        "        if epoch == 2 and not Path('waits').exists():\n"
        "            Path('waits').touch()\n"
        "            time.sleep(600)\n"
    )
    wanted = study(task={"function": "slow:measure"}, search={"trials": 1})
    code = f"import kwsearch; kwsearch.search({wanted!r})"
    with subprocess.Popen([sys.executable, "-c", code]) as driver:
        patience = time.monotonic() + 600
        while not Path("waits").exists() and time.monotonic() < patience:
            time.sleep(0.05)
        driver.kill()
    assert api.status("own")["best_accuracy"] is None
    found = kwsearch.resume("own", steal=True)
    assert Path("epochs").read_text().split() == ["1", "2", "3"]
    assert list(found.measurements["accuracy"]) == [0.1, 0.3]


def test_an_interrupted_search_ends_in_the_table_of_one_that_was_not():
    def stop(progress):
        raise KeyboardInterrupt

    whole = kwsearch.search(study(search={"trials": 3}, **HERE), task=by_size)
    with pytest.raises(InterruptedSearchError):
        api.search(
            {**study(search={"trials": 3}, **HERE), "name": "cut"}, task=by_size, callbacks=[stop]
        )
    resumed = kwsearch.resume("cut", task=by_size)
    columns = ["digest", "accuracy", "epochs", "state"]
    assert resumed.frame[columns].equals(whole.frame[columns])


def test_a_measure_that_takes_too_long_is_killed():
    def measure(network, report):
        time.sleep(600)

    limits = {"trial_timeout": 1.0}
    with pytest.raises(NothingFoundError, match="timeout"):
        kwsearch.search(study(search={"trials": 1}, execution=limits), task=measure)


@pytest.mark.parametrize(
    ("body", "cause", "said"),
    [
        ("report(1, accuracy=float('nan'))", "non-finite", "reported accuracy = nan after epoch 1"),
        ("report(1, accuracy=97)", "error", "accuracy = 97 after epoch 1; it is a share"),
        ("report(1, acc=0.5)", "error", "reported acc after epoch 1, and no accuracy"),
        ("pass", "error", "returned after it had reported nothing, and not epoch 3"),
        ("{}['key']", "error", "failed at wrong.py, line 2, with KeyError: 'key'"),
        ("raise MemoryError", "out-of-memory", "MemoryError"),
    ],
)
def test_a_trial_that_fails_says_of_what(body, cause, said):
    Path("wrong.py").write_text(f"def measure(network, report):\n    {body}\n")
    wanted = study(task={"function": "wrong:measure"}, search={"trials": 1}, **HERE)
    try:
        with pytest.raises(NothingFoundError):
            api.search(wanted)
    finally:
        sys.modules.pop("wrong", None)
    shown = api.show("own", 0)
    assert shown["cause"] == cause
    assert said in shown["detail"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proxy": {"data": "digits"}}, r"task: function = 'a:b' and data under \[proxy\] exclude"),
        (
            {"task": {"function": None}},
            "task: input, outputs, epochs without function says nothing",
        ),
        ({"task": {"input": None}}, "needs input beside it, as in input ="),
        ({"task": {"input": None, "outputs": None}}, "needs input and outputs beside it"),
        ({"task": {"input": [1, 8, 9]}}, r"\[1, 8, 9\] is not square"),
        ({"task": {"input": [8, 8]}}, "is not channels, height and width"),
        ({"task": {"epochs": [3, 1]}}, r"The nearest valid value is \[1, 3\]"),
        ({"task": {"function": "measure"}}, "is not of the form 'package.module:function'"),
        ({"objective": {"quality": "loss"}}, "'loss' cannot be the name of a quality"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, said):
    wanted = study(task={"function": "a:b"})
    for section, values in changes.items():
        wanted[section] = wanted.get(section, {}) | values
    with pytest.raises(InputError, match=said):
        api.settings(wanted)


def test_a_measure_that_is_not_there_is_refused_before_a_study_is_made():
    with pytest.raises(
        InputError, match="'nowhere', of the measure 'nowhere:f', cannot be imported"
    ):
        api.search(study(task={"function": "nowhere:f"}))
    with pytest.raises(InputError, match="cannot be called as measure"):
        api.search(study(), task=lambda network: None)
    assert api.studies() == [] if Path("runs/kwsearch.db").exists() else True


def test_another_quality_is_asked_for_by_its_name():
    def measure(network, report):
        report(1, f1=0.5)
        report(3, f1=0.75, error=0.01)

    found = kwsearch.search(study(objective={"quality": "f1"}, **HERE), task=measure)
    assert set(found.frame["accuracy"]) == {0.75}
    assert set(found.frame["accuracy_error"]) == {0.01}
    assert " f1 with " in api.report("own").read_text()
    with pytest.raises(InputError, match=r"is measured by __main__:measure, whose schedule is its"):
        api.audit("own")


def test_all_values_are_kept_and_shown_and_one_of_them_counts():
    def measure(network, report):
        for epoch in (1, 3):
            others = {"map50": 0.2 * epoch, "map50_error": 0.02, "latency": 12, "ap.cat": 0.1}
            report(epoch, map=0.1 * epoch, error=0.01, **others)

    found = kwsearch.search(study(objective={"quality": "map"}, **HERE), task=measure)
    reported = {row["name"]: (row["value"], row["error"]) for row in api.best("own")["reported"]}
    assert reported == {
        "map": (pytest.approx(0.3), 0.01),
        "map50": (pytest.approx(0.6), 0.02),
        "latency": (12, None),
        "ap.cat": (0.1, None),
    }
    shown = api.show("own", 0)["reported"]
    assert [row["value"] for row in shown if row["name"] == "map50"] == pytest.approx([0.2, 0.6])
    assert set(found.frame["map50"]) == {0.2 * 3}
    assert set(found.frame["latency"]) == {12}
    assert "ap.cat" not in found.frame
    assert found.measurements["ap.cat"].tolist() == [0.1] * len(found.measurements)
    page = api.report("own").read_text()
    assert '"map50":[[0.6,0.02]' in page.replace(" ", "")


def test_plain_networks_are_measured_alike_and_a_measure_without_an_error_says_so():
    def measure(network, report):
        served = any("KW" in type(module).__name__ for module in network.modules())
        for epoch in (1, 3):
            report(epoch, accuracy=0.6 if served else 0.5)

    kwsearch.search(study(baselines={"seeds": 2, "networks": []}, **HERE), task=measure)
    assert [row["accuracy"] for row in api.baselines("own")] == [0.5, 0.5]
    assert "The measure reports no error" in api.pays("own")["sentence"]


def test_measurements_are_shared_only_where_a_person_says_that_data_and_code_are_the_same():
    calls = []

    def measure(network, report):
        calls.append(1)
        by_size(network, report)

    named = {"task": {"version": "1"}, **HERE}
    for name, sections in (("a", HERE), ("b", HERE), ("c", named), ("d", named)):
        api.search({**study(**sections), "name": name}, task=measure)
    assert len(calls) == 6  # all of d's two are copied from c
    with open_store() as store:
        a, b, c, d = (store.study(name) for name in "abcd")
    assert is_same(a.spec.settings, b.spec.settings) is False
    assert is_same(c.spec.settings, d.spec.settings) is True
    assert seeding.differences(a, b) == ["task.version"]
    assert driving.settings_of(a).own
