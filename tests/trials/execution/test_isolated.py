"""What cannot be run in a process of its own is told in a sentence, before any trial is begun."""

import pytest

from search_spaces import InputError
from trials.execution import Isolated


class Unreadable:
    """A measure that is sent, but cannot be made of what was sent."""

    def __reduce__(self):
        return int, ("no number",)


def test_a_measure_that_cannot_be_sent_is_refused_in_a_sentence(script):
    def measure(_trial, _report):
        raise AssertionError("it is never called")

    with pytest.raises(InputError, match="cannot be sent to processes of their own") as refused:
        Isolated()(script(trials=1), measure)
    assert "isolate = false" in refused.value.cure


def test_a_measure_that_cannot_be_loaded_is_refused_in_a_sentence(script):
    with pytest.raises(InputError, match=r"cannot be loaded .*ValueError") as refused:
        Isolated()(script(trials=1), Unreadable())
    assert "isolate = false" in refused.value.cure
