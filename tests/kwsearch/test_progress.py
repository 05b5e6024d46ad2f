"""A search tells how it goes, in lines or live, and stops when nobody listens."""

import io
import sys

import pytest

from kwsearch.progress import Progress, format_duration
from search_spaces import NetworkConfig
from trials.records import Measurement, Outcome, Trial, TrialState
from trials.search import Standing


class Terminal(io.StringIO):
    """Standard error as a person sees it."""

    def isatty(self):
        return True


class ClosedPipe(io.StringIO):
    """Standard error when its reader has gone."""

    def write(self, _text):
        raise BrokenPipeError


def standing(finished=3, outcome=None, best=0.9, accuracy=0.875):
    measured = Measurement(9, accuracy, 0.0125, 0.4, 360, 2.5) if accuracy is not None else None
    trial = Trial("s", finished - 1, NetworkConfig(backbone="resnet8"), "d", 212_345, 10**6, 1)
    outcome = outcome or Outcome(TrialState.COMPLETE)
    return Standing(finished, 40, 13, best, 5, 0.71239, trial, outcome, measured)


def test_each_finished_trial_is_one_line_outside_a_terminal(capsys):
    with Progress() as progress:
        progress(standing())
        progress(standing(4, Outcome(TrialState.FAILED, "non-finite"), accuracy=None))
        progress(standing(5, Outcome(TrialState.FAILED, "error", "It broke."), accuracy=None))
    out, err = capsys.readouterr()
    first, second, third = err.splitlines()
    assert out == ""
    assert first.startswith("3/40  trial 2  212k params  accuracy 0.8750 ± 0.0125  complete  |")
    assert "best 0.9000  front 5  hypervolume 0.712  refused 13" in first
    assert first.endswith(" left")
    assert "4/40  trial 3  212k params  failed (non-finite)" in second
    assert "5/40  trial 4  212k params  failed (error: It broke.)" in third


def test_an_empty_front_has_no_best(capsys):
    with Progress() as progress:
        progress(standing(best=None))
    assert "best -" in capsys.readouterr().err


def test_time_left_is_measured_from_the_trials_of_this_run(monkeypatch, capsys):
    now = iter([0.0, 0.0, 10.0, 30.0])
    monkeypatch.setattr("kwsearch.progress.time.monotonic", lambda: next(now))
    with Progress() as progress:
        progress(standing(31))  # the first of this run: 10 s a trial, 9 to come
        progress(standing(32))  # 15 s a trial, 8 to come
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("2 min left")
    assert second.endswith("2 min left")
    assert format_duration(8 * 15) == "2 min"


def test_a_terminal_shows_one_live_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with Progress() as progress:
        progress(standing())
        progress._bar.refresh()
        text = sys.stderr.getvalue()
    assert "3/40" in text
    assert "hypervolume 0.712" in text
    assert "\x1b[" in text


def test_a_closed_pipe_interrupts(monkeypatch):
    monkeypatch.setattr(sys, "stderr", ClosedPipe())
    with Progress() as progress, pytest.raises(KeyboardInterrupt):
        progress(standing())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (8.4, "8 s"), (720, "12 min"), (12_240, "3.4 h")]
)
def test_durations_are_read_by_people(seconds, text):
    assert format_duration(seconds) == text
