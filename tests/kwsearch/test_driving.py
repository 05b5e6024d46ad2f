"""Who may drive a study, from where, and how a search that found nothing ends."""

import re
from dataclasses import replace
from threading import Thread

import pytest

from kwsearch import api, driving, problems
from reports.summary import summarise
from search_spaces import InputError
from trials.errors import InterruptedSearchError, NothingFoundError, StudyBusyError
from trials.store import open_store
from trials.tasks.classification import VERSION

STUDY = """
[space]
backbone = "resnet8x0.25"
cell_num_ratio = {low = 0.125, high = 4.0, log = true}
[budget]
max_params = "40k"
[proxy]
data = "digits"
epochs = [1]
batch_size = 512
training_share = 0.2
[baselines]
seeds = 0
[search]
sampler = "random"
trials = 2
[execution]
threads = 1
"""
TWO_NETWORKS = STUDY.replace("{low = 0.125, high = 4.0, log = true}", "[0.5, 1.0]")


@pytest.fixture(autouse=True)
def folder(quick_path, monkeypatch):
    """A folder with a study file, where commands run."""
    (quick_path / "small.toml").write_text(STUDY)
    (quick_path / "two.toml").write_text(TWO_NETWORKS.replace("trials = 2", "trials = 5"))
    monkeypatch.chdir(quick_path)
    return quick_path


def trials_asked(name="small"):
    with open_store(None, read_only=True) as store:
        return store.study(name).spec.trials


@pytest.mark.parametrize("trials", [1, 7])
def test_a_study_that_another_process_drives_is_refused_before_anything_is_changed(folder, trials):
    api.search(folder / "small.toml")
    with open_store(None) as store:
        store.acquire("small", "elsewhere:1", 60)
    with pytest.raises(StudyBusyError):
        api.resume("small", trials=trials)
    assert trials_asked() == 2


def test_a_number_of_trials_that_is_refused_leaves_the_study_free(folder):
    api.search(folder / "small.toml")
    with pytest.raises(InputError, match="it has begun 2"):
        api.resume("small", trials=1)
    assert api.resume("small", trials=3).finished == 3


@pytest.mark.parametrize("floor", [None, 0.25])
def test_what_hypervolume_measures_is_fixed_with_the_study(folder, floor):
    """From the smallest size of the space, or that asked for, to the budget, above a floor."""
    asked = "" if floor is None else f"accuracy_floor = {floor}\n"
    file = folder / "small.toml"
    file.write_text(STUDY.replace('sampler = "random"', f'sampler = "random"\n{asked}'))
    wanted = api.settings(file)
    space = problems.problem(wanted, problems.backbone_of(wanted, 10, 1, 8)).space
    with open_store(None) as store:
        area = driving.create(store, wanted).spec.area
    assert area == (space.smallest_params(0), 40_000, floor or 0.1)
    file.write_text(file.read_text().replace("[proxy]", 'min_params = "9k"\n[proxy]'))
    with open_store(None) as store:
        again = driving.create(store, api.settings(file).model_copy(update={"name": "least"}))
    assert again.spec.area == (9_000, 40_000, floor or 0.1)


def test_a_search_in_a_thread_is_a_search(folder):
    """As in a notebook server."""
    found = []
    thread = Thread(target=lambda: found.append(api.search(folder / "small.toml")))
    thread.start()
    thread.join()
    assert [record.finished for record in found] == [2]


def test_two_threads_of_one_process_do_not_drive_one_study(folder):
    """Each drive of a study owns its lease alone, whatever host and process are called."""
    api.search(folder / "small.toml")
    errors = []

    def second(_progress):
        try:
            api.resume("small", trials=9)
        except StudyBusyError as error:
            errors.append(error)

    assert api.resume("small", trials=3, watch=second).finished == 3
    assert len(errors) == 1
    assert "driven by process" in str(errors[0])


def test_a_study_of_which_every_trial_failed_found_nothing(folder, monkeypatch):
    def broken(*_):
        def measure(trial, _report):
            raise ValueError(f"trial {trial.number} is broken")

        return measure

    monkeypatch.setattr("kwsearch.driving.measure", broken)
    with pytest.raises(
        NothingFoundError, match=r"2 of 2 trials of study 'small' failed.*is broken"
    ) as caught:
        api.search(folder / "small.toml")
    assert caught.value.exit_code == 6
    with pytest.raises(NothingFoundError):
        api.resume("small")


def test_an_executor_that_gives_up_is_told_with_the_command_that_goes_on(folder, monkeypatch):
    """The executor says what happened; only the driver knows the study's name."""

    def gives_up(*_):
        raise InterruptedSearchError("The cluster died.", "Look after it.")

    with monkeypatch.context() as patched:
        patched.setattr("kwsearch.driving.executor", lambda *_: gives_up)
        with pytest.raises(InterruptedSearchError, match="The cluster died") as caught:
            api.search(folder / "small.toml")
    assert caught.value.cure == "Look after it. Then go on with 'kwsearch resume small'."
    assert api.resume("small").finished == 2


def test_a_space_that_is_used_up_ends_a_search_and_is_told(capsys):
    from kwsearch.cli import app  # noqa: PLC0415 - the command line is loaded where it is used

    with pytest.raises(SystemExit) as end:
        app(["search", "two.toml"], prog_name="kwsearch")
    assert end.value.code == 0
    told = capsys.readouterr().err
    assert re.search(r"Study two: [1-4] of 5 trials", told)
    assert "holds no further network" in told


def test_a_search_says_what_it_trains_again_although_it_was_measured(folder, monkeypatch, caplog):
    """Measurements of another version of the training are not copied."""
    monkeypatch.setattr("kwsearch.tasks.VERSION", VERSION - 1)  # as an older program writes it
    first = api.search(folder / "small.toml")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert caplog.messages == []
    second = api.search(folder / "small.toml", name="second")
    assert [said.partition(":")[0] for said in caplog.messages] == [
        "Measurements of study 'small' are not copied"
    ]
    with open_store(None, read_only=True) as store:
        networks = [{t.trial.digest for t in store.trials(s.name)} for s in (first, second)]
        workers = [trial.worker for trial in store.trials("second")]
    assert networks[0] == networks[1]
    assert not any(worker.startswith("copied") for worker in workers)


def test_bands_of_sizes_begin_in_a_report_where_they_begin_in_the_search(folder):
    """At the smallest network of the space, which no trial need have tried."""
    record = api.search(folder / "small.toml")
    with open_store(None, read_only=True) as store:
        read = summarise(store, "small", problems.promotion_of).halving
    asked = problems.problem(problems.settings_of(record), record.spec.backbone)
    assert read == driving._halving(asked, record)
    assert read.low == asked.space.smallest_params(record.spec.seed)


def test_a_report_of_a_study_with_settings_unknown_today_has_one_band(folder):
    record = api.search(folder / "small.toml")
    newer = {**record.spec.settings, "hindsight": {"depth": 3}}
    unknown = replace(record, spec=replace(record.spec, settings=newer))
    assert problems.promotion_of(unknown).bands == 1
