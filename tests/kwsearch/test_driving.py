"""Who may drive a study, from where, and how a search that found nothing ends."""

import re
from threading import Thread

import pytest

from kwsearch import api
from search_spaces import InputError
from trials.errors import NothingFoundError, StudyBusyError
from trials.store import open_store

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
    with pytest.raises(InputError, match="2 were begun"):
        api.resume("small", trials=1)
    assert api.resume("small", trials=3).finished == 3


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

    def second(_standing):
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
        NothingFoundError, match=r"All 2 trials .* 'small' failed.*is broken"
    ) as caught:
        api.search(folder / "small.toml")
    assert caught.value.exit_code == 6
    with pytest.raises(NothingFoundError):
        api.resume("small")


def test_a_space_that_is_used_up_ends_a_search_and_is_told(capsys):
    from kwsearch.cli import app  # noqa: PLC0415 - the command line is loaded where it is used

    with pytest.raises(SystemExit) as end:
        app(["search", "two.toml"], prog_name="kwsearch")
    assert end.value.code == 0
    told = capsys.readouterr().err
    assert re.search(r"Study two: [1-4] of 5 trials", told)
    assert "holds no further network" in told
