"""An audit is killed: no training is lost or doubled, and what it comes to is the same."""

import json
import shutil
import signal

import pytest

from trials.store import open_store

pytestmark = pytest.mark.fault

WORDS = ("audit", "tiny", "--networks", 4, "--epochs", 6)
CUT_OFF = """
import os, signal
from trials.store.writes import Writes
counted, written = [], Writes.{method}
def cut_off(*args, **named):
    counted.append(args)
    done = None if {before} and len(counted) == {at} else written(*args, **named)
    if len(counted) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
Writes.{method} = cut_off
"""


def searched(place, folder):
    """The study as a search left it, in another place."""
    shutil.copytree(folder, place.folder, dirs_exist_ok=True)
    return place


def audits(place):
    """Audits without what clocks and attempts say, each with its curve."""
    with open_store(place.url, create=False, read_only=True) as store:
        found = [one for one in store.baselines("tiny") if one.baseline.repeats is not None]
        curves = store.baseline_measurements("tiny")
    return [
        (
            one.baseline.repeats.number,
            one.baseline.schedule_epochs,
            one.baseline.seed,
            one.state,
            [(m.epoch, m.accuracy, m.loss) for number, m in curves if number == one.number],
        )
        for one in found
    ]


@pytest.mark.parametrize(
    "moment",
    [
        ("measure_baseline", 2, False),
        ("finish_baseline", 2, True),
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in (
                ("add_baselines", 1, True),
                ("add_baselines", 1, False),
                ("hand_out_baseline", 2, False),
                ("measure_baseline", 3, True),
                ("finish_baseline", 2, False),
            )
        ),
    ],
    ids=str,
)
def test_an_audit_killed_and_given_again_ends_as_if_nothing_had_been(
    file_place, undisturbed_folder, tmp_path, moment
):
    place = searched(file_place, undisturbed_folder)
    whole = type(place)(tmp_path / "whole", f"sqlite:///{tmp_path}/whole/kw.db")
    told = searched(whole, undisturbed_folder).run(*WORDS, "--json").out
    method, at, before = moment
    cut = place.start(*WORDS, first=CUT_OFF.format(method=method, at=at, before=before))
    cut.join(600)
    assert cut.exitcode == -signal.SIGKILL, cut.talk
    place.sound()
    again = place.run("audit", "tiny", *WORDS[2:], "--steal", "--json").out
    place.sound()
    assert audits(place) == audits(whole)
    assert json.loads(again) == json.loads(told)


def test_an_audit_that_ctrl_c_stops_says_how_to_go_on(file_place, undisturbed_folder):
    place = searched(file_place, undisturbed_folder)
    stop = "import os, signal\n" + CUT_OFF.replace("SIGKILL", "SIGINT").format(
        method="measure_baseline", at=2, before=False
    )
    ended = place.run(*WORDS, first=stop, code=5)
    assert "kwsearch audit tiny" in ended.talk
    place.sound()
    place.run("audit", "tiny")
    assert {state for *_, state, _ in audits(place)} == {"complete"}
    place.sound()
