"""A measure is found by its name, or sent by value."""

# ruff: noqa: ARG005, S301 - signatures are what is tested; the bytes are our own

import functools
import pickle
import sys
import threading

import pytest

from search_spaces import InputError
from trials.tasks.own import function as functions
from trials.tasks.own.function import Given, Named, Received, name_of, taken


def own(network, report):
    report(1, accuracy=network)


def test_a_function_is_called_after_its_module_or_after_main():
    def inside(network, report):
        pass

    assert name_of(own) == f"{__name__}:own"
    assert name_of(inside) == "__main__:inside"
    assert name_of(lambda network, report: None) == "__main__:function"
    assert name_of(functools.partial(own)) == "__main__:partial"


def test_a_function_of_a_notebook_is_sent_by_value_with_what_it_refers_to():
    offset = 2
    sent = pickle.loads(pickle.dumps(Given(lambda network, report: report(network + offset))))
    assert isinstance(sent, Received)
    assert isinstance(pickle.loads(pickle.dumps(sent)), Received)  # handed on as it is
    heard = []
    sent.get()(1, heard.append)
    assert heard == [3]


def test_what_cannot_be_sent_is_refused_before_a_search():
    lock = threading.Lock()
    with pytest.raises(InputError, match=r"cannot be sent to the processes of trials: .*lock"):
        Given(lambda network, report: lock.acquire()).pickled()


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (own, []),
        (lambda network, report, state: None, ["state"]),
        (lambda net, tell, *, seed, device=None: None, ["seed", "device"]),
        (lambda *anything, **more: None, []),
        (functools.partial(lambda a, network, report: None, 1), []),
    ],
)
def test_a_function_is_given_what_it_names(function, named):
    assert taken(function) == named


@pytest.mark.parametrize(
    "function",
    [lambda one: one, lambda one, other, third: (one, other, third), lambda: None],
)
def test_a_function_that_cannot_take_a_network_and_a_report_is_refused(function):
    with pytest.raises(InputError, match=r"cannot be called as measure\(network, report\)"):
        taken(function)


def test_a_name_is_looked_for_in_the_current_directory(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)
    (quick_path / "hereonly.py").write_text("def measure(network, report): report(1, accuracy=1)\n")
    try:
        assert Named("hereonly:measure").get().__name__ == "measure"
        with pytest.raises(InputError, match=r"'hereonly' has no function 'mesure'. Did you mean"):
            Named("hereonly:mesure").get()
        with pytest.raises(InputError, match=r"'nowhere', of the measure 'nowhere:x', cannot be"):
            Named("nowhere:x").get()
    finally:
        sys.modules.pop("hereonly", None)
    assert str(quick_path) not in sys.path
    assert functions.HANDED_OVER == "__main__"
