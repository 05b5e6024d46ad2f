"""Samplers: the contract, inherited by every one of them."""

import numpy as np
import pytest

from search_spaces.choices import FloatRange, Options
from trials.sampling import GUIDED, SAMPLERS, Observation, Sampler

DIMENSIONS = {
    "b": FloatRange(0.1, 4.0, log=True),
    "cell": Options((0.25, 0.5, 1.0)),
    "sharing": Options(("none", "stage")),
}
STARTUP = [{"b": 0.2, "cell": 0.5, "sharing": "none"}, {"b": 3.0, "cell": 1.0, "sharing": "stage"}]


def answer(values):
    """A made-up network: larger b costs more and is more accurate, whole cells are better."""
    params = int(1000 * values["b"] * (2 if values["sharing"] == "none" else 1))
    return Observation(params, 0.5 + 0.1 * np.log10(values["b"]) + 0.1 * values["cell"])


def play(sampler, rounds):
    history = []
    for _ in range(rounds):
        proposal = sampler.ask()
        observed = answer(proposal.values)
        sampler.tell(proposal.ticket, observed)
        history.append((proposal, observed))
    return history


@pytest.fixture(params=SAMPLERS)
def kind(request):
    return request.param


def test_proposals_take_values_the_dimensions_allow(kind):
    for proposal, _ in play(Sampler(kind, DIMENSIONS, seed=1), 15):
        assert proposal.values.keys() == DIMENSIONS.keys()
        assert 0.1 <= proposal.values["b"] <= 4.0
        assert proposal.values["cell"] in DIMENSIONS["cell"].values
        assert proposal.values["sharing"] in DIMENSIONS["sharing"].values


def test_the_same_seed_proposes_the_same(kind):
    one, other = (play(Sampler(kind, DIMENSIONS, seed=5), 14) for _ in range(2))
    assert [p.values for p, _ in one] == [p.values for p, _ in other]


def test_another_seed_proposes_something_else(kind):
    one, other = (play(Sampler(kind, DIMENSIONS, seed=seed), 6) for seed in (5, 6))
    assert [p.values for p, _ in one] != [p.values for p, _ in other]


def test_a_sampler_rebuilt_from_its_history_proposes_what_it_would_have(kind):
    whole = play(Sampler(kind, DIMENSIONS, 2, STARTUP), 16)
    rebuilt = Sampler(kind, DIMENSIONS, 2, STARTUP, asked=12)
    for proposal, observed in whole[:12]:
        rebuilt.restore(proposal.values, proposal.state, observed)
    assert [p.values for p, _ in play(rebuilt, 4)] == [p.values for p, _ in whole[12:]]


def test_guided_samplers_begin_with_what_they_are_given(kind):
    history = play(Sampler(kind, DIMENSIONS, 0, STARTUP), 3)
    begun = [dict(proposal.values) for proposal, _ in history[:2]] == STARTUP
    assert begun == (kind in GUIDED)


def test_refusals_running_and_stopped_trials_do_not_get_in_the_way(kind):
    sampler = Sampler(kind, DIMENSIONS, seed=3)
    open_tickets = []
    for index in range(24):
        proposal = sampler.ask(blindly=index % 7 == 0)
        if index % 4 == 0:
            sampler.refuse(proposal.ticket)
        elif index % 4 == 1:
            open_tickets.append(proposal.ticket)
        else:
            seen = answer(proposal.values)
            lacking = 0.5 if index % 4 == 2 else 0.0
            sampler.tell(proposal.ticket, Observation(seen.params, seen.accuracy, lacking))
    for ticket in open_tickets:
        sampler.tell(ticket, Observation(1000, 0.5))


def test_a_trial_restored_while_running_can_be_told(kind):
    sampler = Sampler(kind, DIMENSIONS, seed=4)
    proposal = sampler.ask()
    rebuilt = Sampler(kind, DIMENSIONS, seed=4, asked=1)
    ticket = rebuilt.restore(proposal.values, proposal.state, None)
    rebuilt.tell(ticket, answer(proposal.values))
    rebuilt.ask()


def test_tpe_learns_that_whole_cells_are_better():
    late = [p.values["cell"] for p, _ in play(Sampler("tpe", DIMENSIONS, 0), 60)[30:]]
    assert late.count(1.0) > len(late) / 2
