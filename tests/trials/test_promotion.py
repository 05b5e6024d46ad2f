"""Halving: properties of the rule as a pure function of a rung's table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.promotion import WINDOW, Halving
from trials.records import Entry

RULE = Halving(eta=3, low=1_000, high=1_000_000)
entries = st.lists(
    st.builds(
        Entry,
        number=st.just(0),
        cost=st.integers(1_000, 1_000_000),
        accuracy=st.integers(0, 100).map(lambda x: x / 100),
        went_on=st.booleans(),
    ),
    max_size=30,
).map(lambda row: [entry._replace(number=i) for i, entry in enumerate(row)])
newcomers = st.builds(
    Entry,
    number=st.just(99),
    cost=st.integers(1_000, 1_000_000),
    accuracy=st.integers(0, 100).map(lambda x: x / 100),
    went_on=st.sampled_from([False]),
)


def play(rule, trials):
    """Trials arrive one after the other; returns the table with its decisions."""
    table = []
    for number, (params, accuracy) in enumerate(trials):
        entry = Entry(number, params, accuracy, went_on=False)
        decision = rule.decide(table, entry)
        table.append(entry._replace(went_on=decision.goes_on))
    return table


arrivals = st.lists(
    st.tuples(st.integers(1_000, 1_000_000), st.floats(0, 1)), min_size=1, max_size=60
)


@given(entries, newcomers)
def test_the_decision_is_a_function_of_the_table(seen, newcomer):
    assert RULE.decide(seen, newcomer) == RULE.decide(list(seen), newcomer)
    assert RULE.decide(seen, newcomer).reason


@given(entries, newcomers, st.floats(0.001, 0.5))
def test_a_better_accuracy_never_turns_a_go_into_a_stop_at_the_front(seen, newcomer, more):
    better = newcomer._replace(accuracy=newcomer.accuracy + more + 1)  # better than everyone
    assert RULE.decide(seen, better).goes_on


@given(arrivals)
def test_no_size_band_is_emptied(trials):
    table = play(RULE, trials)
    for band in {RULE.band(entry.cost) for entry in table}:
        assert any(entry.went_on for entry in table if RULE.band(entry.cost) == band)


@given(arrivals)
def test_the_most_accurate_of_all_goes_on(trials):
    table = play(RULE, trials)
    for index, entry in enumerate(table):
        # as errors, which is how they are ranked: accuracies of 1e-42 and 0 are one error
        if all(1 - entry.accuracy < 1 - earlier.accuracy for earlier in table[:index]):
            assert entry.went_on


@given(entries, newcomers)
def test_a_larger_eta_lets_fewer_go_on(seen, newcomer):
    if not RULE.decide(seen, newcomer).goes_on:
        assert not replace(RULE, eta=6).decide(seen, newcomer).goes_on


def test_of_many_like_networks_about_one_in_eta_goes_on():
    trials = [(500_000, ((i * 7919) % 997) / 997) for i in range(300)]
    went = sum(entry.went_on for entry in play(RULE, trials))
    assert 0.2 < went / 300 < 0.45


def test_a_dominated_network_is_stopped_and_told_by_whom():
    table = play(RULE, [(100_000, 0.9), (100_100, 0.8), (100_200, 0.7)])
    decision = RULE.decide(table, Entry(3, 110_000, 0.5, went_on=False))
    assert not decision.goes_on
    assert "trial 0 reached 90.00% with 100,000 parameters" in decision.reason


@pytest.mark.parametrize(
    ("params", "band"), [(500, 0), (1_000, 0), (10_000, 1), (999_999, 3), (2_000_000, 3)]
)
def test_bands_are_equal_in_log_parameters(params, band):
    assert RULE.band(params) == band


def test_a_budget_of_one_size_has_one_band():
    assert Halving(3, 1000, 1000).band(1000) == 0


def test_old_trials_leave_the_window():
    old = [Entry(i, 100_000, 0.9, went_on=True) for i in range(WINDOW)]
    new = [Entry(WINDOW + i, 200_000, 0.5, went_on=False) for i in range(WINDOW)]
    assert RULE.decide(old + new, Entry(1, 190_000, 0.6, went_on=False)).goes_on
