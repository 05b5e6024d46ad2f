"""A search tells how it goes, in lines or live, and stops when nobody listens."""

import io
import sys

import pytest

from kwsearch.progress import Progress, format_duration
from search_spaces import NetworkConfig
from trials.records import Measurement, Outcome, Trial, TrialState
from trials.search import SearchProgress


class Terminal(io.StringIO):
    """Standard error as a person sees it."""

    def isatty(self):
        return True


class ClosedPipe(io.StringIO):
    """Standard error when its reader has gone."""

    def write(self, _text):
        raise BrokenPipeError


def state(finished=3, outcome=None, best=0.9, accuracy=0.875):
    measured = Measurement(9, accuracy, 0.0125, 0.4, 360, 2.5) if accuracy is not None else None
    trial = Trial("s", finished - 1, NetworkConfig(backbone="resnet8"), "d", 212_345, 10**6, 1)
    outcome = outcome or Outcome(TrialState.COMPLETE)
    return SearchProgress(finished, 40, 13, best, 5, 0.71239, trial, outcome, measured)


def test_each_finished_trial_is_one_line_outside_a_terminal(capsys):
    with Progress() as progress:
        progress(state())
        progress(state(4, Outcome(TrialState.FAILED, "non-finite"), accuracy=None))
        progress(state(5, Outcome(TrialState.FAILED, "error", "It broke."), accuracy=None))
    out, err = capsys.readouterr()
    first, second, third, last = err.splitlines()
    assert last == "2 trials failed: 1 x non-finite, 1 x error."
    assert out == ""
    assert first.startswith("3/40  trial 2  212k params  accuracy 0.8750 ± 0.0125  complete  |")
    assert "best 0.9000  front 5  hypervolume 0.712  refused 13" in first
    assert first.endswith(" left")
    assert "4/40  trial 3  212k params  failed (non-finite)" in second
    assert "5/40  trial 4  212k params  failed (error: It broke.)" in third


def test_failures_are_summed_up_in_one_line_at_the_end(capsys):
    with Progress() as progress:
        for number in range(4):
            progress(state(number + 1, diverged(number), accuracy=None))
        progress(state(5))
        progress(state(6, Outcome(TrialState.FAILED, "timeout", "1 s."), accuracy=None))
    assert capsys.readouterr().err.splitlines()[-1] == (
        "5 trials failed: 4 x non-finite, 1 x timeout."
    )
    with Progress() as progress:
        progress(state())
    assert "failed" not in capsys.readouterr().err


def diverged(number):
    return Outcome(TrialState.FAILED, "non-finite", f"The loss is nan after step {number}.")


def test_what_several_trials_fail_of_is_advised_on_once(capsys):
    """Numbers in their messages differ; the advice says what to change."""
    with Progress() as progress:
        for number in range(6):
            progress(state(number + 1, diverged(number), accuracy=None))
        progress(state(7, Outcome(TrialState.FAILED, "error", "It broke."), accuracy=None))
    lines = capsys.readouterr().err.splitlines()
    (advice,) = [line for line in lines if "learning_rate" in line]
    assert advice.startswith("3 trials have failed alike (non-finite: The loss is nan")
    assert lines.index(advice) == 3
    assert sum("The loss is nan" in line for line in lines if line is not advice) == 3
    assert [line for line in lines[4:7] if "failed (non-finite: as before)" in line] == lines[4:7]
    assert "It broke." in lines[7]


def test_a_person_at_a_terminal_is_advised_too(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        for number in range(4):
            progress(state(number + 1, diverged(number), accuracy=None))
    assert terminal.getvalue().count("3 trials have failed alike") == 1


def test_an_empty_front_has_no_best(capsys):
    with Progress() as progress:
        progress(state(best=None))
    assert "best -" in capsys.readouterr().err


def test_time_left_is_measured_from_the_trials_of_this_run(monkeypatch, capsys):
    now = iter([0.0, 0.0, 10.0, 30.0])
    monkeypatch.setattr("kwsearch.progress.time.monotonic", lambda: next(now))
    with Progress() as progress:
        progress(state(31))  # the first of this run: 10 s a trial, 9 to come
        progress(state(32))  # 15 s a trial, 8 to come
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("2 min left")
    assert second.endswith("2 min left")
    assert format_duration(8 * 15) == "2 min"


def test_a_terminal_shows_one_live_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with Progress() as progress:
        progress(state())
        progress._bar.refresh()
        text = sys.stderr.getvalue()
    assert "3/40" in text
    assert "hypervolume 0.712" in text
    assert "\x1b[" in text


def test_a_closed_pipe_interrupts(monkeypatch):
    monkeypatch.setattr(sys, "stderr", ClosedPipe())
    with Progress() as progress, pytest.raises(KeyboardInterrupt):
        progress(state())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (8.4, "8 s"), (720, "12 min"), (12_240, "3.4 h")]
)
def test_durations_are_read_by_people(seconds, text):
    assert format_duration(seconds) == text
