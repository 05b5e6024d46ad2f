"""Samplers: the contract, inherited by every one of them."""

import numpy as np
import pytest

from search_spaces.choices import FloatRange, Options
from trials.evidence import Observation
from trials.sampling import SAMPLERS, guided, make_sampler

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
    for proposal, _ in play(make_sampler(kind, DIMENSIONS, seed=1), 15):
        assert proposal.values.keys() == DIMENSIONS.keys()
        assert 0.1 <= proposal.values["b"] <= 4.0
        assert proposal.values["cell"] in DIMENSIONS["cell"].values
        assert proposal.values["sharing"] in DIMENSIONS["sharing"].values


def test_the_same_seed_proposes_the_same(kind):
    one, other = (play(make_sampler(kind, DIMENSIONS, seed=5), 14) for _ in range(2))
    assert [p.values for p, _ in one] == [p.values for p, _ in other]


def test_another_seed_proposes_something_else(kind):
    one, other = (play(make_sampler(kind, DIMENSIONS, seed=seed), 6) for seed in (5, 6))
    assert [p.values for p, _ in one] != [p.values for p, _ in other]


def test_a_sampler_rebuilt_from_its_history_proposes_what_it_would_have(kind):
    whole = play(make_sampler(kind, DIMENSIONS, 2, STARTUP), 16)
    rebuilt = make_sampler(kind, DIMENSIONS, 2, STARTUP, asked=12)
    for proposal, observed in whole[:12]:
        rebuilt.restore(proposal.ticket, proposal.values, proposal.state, observed)
    assert [p.values for p, _ in play(rebuilt, 4)] == [p.values for p, _ in whole[12:]]


@pytest.fixture
def forgetful(monkeypatch):
    """Samplers that keep little, so that a short history has been thinned many times."""
    monkeypatch.setattr(guided, "EVIDENCE", 30)
    monkeypatch.setattr(guided, "_SLACK", 5)


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("told", [25, 59, 60, 121])
@pytest.mark.parametrize("kind", ["tpe", "nsga2"])
def test_a_sampler_that_forgot_much_is_rebuilt_as_it_was(kind, told):
    whole = play(make_sampler(kind, DIMENSIONS, 2, STARTUP), told + 3)
    rebuilt = make_sampler(kind, DIMENSIONS, 2, STARTUP, asked=told)
    for proposal, observed in whole[:told]:
        rebuilt.restore(proposal.ticket, proposal.values, proposal.state, observed)
    assert [p.values for p, _ in play(rebuilt, 3)] == [p.values for p, _ in whole[told:]]


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("kind", ["tpe", "nsga2"])
def test_what_a_guided_sampler_holds_is_bounded_by_what_is_open(kind):
    sampler = make_sampler(kind, DIMENSIONS, 0, STARTUP)
    open_proposals = []
    for index in range(500):
        proposal = sampler.ask()
        if index % 4:
            sampler.refuse(proposal.ticket)
            continue
        open_proposals.append(proposal)
        if len(open_proposals) == 10:
            for one in open_proposals:
                sampler.tell(one.ticket, answer(one.values))
            open_proposals.clear()
        assert len(sampler._seen) <= 2 * 30 + len(open_proposals)
        held = sampler._study.get_trials(deepcopy=False) if sampler._study else []
        assert len(held) == sampler._held or not held
        assert len(held) <= 2 * (2 * 30 + 10) + 5 + 1


@pytest.mark.usefixtures("forgetful")
def test_generations_go_on_when_the_first_ones_are_forgotten():
    history = play(make_sampler("nsga2", DIMENSIONS, 0, STARTUP), 130)
    generations = [proposal.state.get("_Nsga2:generation", 0) for proposal, _ in history]
    assert generations == sorted(generations)
    assert generations[-1] >= 5


def test_samplers_begin_with_what_they_are_given(kind):
    history = play(make_sampler(kind, DIMENSIONS, 0, STARTUP), 3)
    assert [dict(proposal.values) for proposal, _ in history[:2]] == STARTUP
    assert dict(history[2][0].values) not in STARTUP


def test_refusals_running_and_stopped_trials_do_not_get_in_the_way(kind):
    sampler = make_sampler(kind, DIMENSIONS, seed=3)
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
    sampler = make_sampler(kind, DIMENSIONS, seed=4)
    proposal = sampler.ask()
    rebuilt = make_sampler(kind, DIMENSIONS, seed=4, asked=1)
    rebuilt.restore(0, proposal.values, proposal.state, None)
    rebuilt.tell(0, answer(proposal.values))
    rebuilt.ask()


def test_tpe_learns_that_whole_cells_are_better():
    late = [p.values["cell"] for p, _ in play(make_sampler("tpe", DIMENSIONS, 0), 60)[30:]]
    assert late.count(1.0) > len(late) / 2
