"""Samplers: the contract, inherited by every one of them."""

from itertools import product

import numpy as np
import pytest

from search_spaces import plan_network
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.area import Area
from trials.costs import Cost
from trials.evidence import Observation
from trials.sampling import SAMPLERS, Known, exact, guided, make_sampler

DIMENSIONS = {
    "cell_num_ratio": FloatRange(0.1, 4.0, log=True),
    "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
    "sharing_range": Options(("none", "stage")),
}
STARTUP = [
    {"cell_num_ratio": 0.2, "cell_inplane_ratio": 0.5, "sharing_range": "none"},
    {"cell_num_ratio": 3.0, "cell_inplane_ratio": 1.0, "sharing_range": "stage"},
]
SPACE = Space(shipped("resnet8", 10, 1, (8, 8)), DIMENSIONS)
KNOWN = Known(SPACE, Limits(), Area(10_000, 300_000, 0.3), top=3)


@pytest.fixture(autouse=True)
def _few_candidates(monkeypatch):
    monkeypatch.setattr(exact, "CANDIDATES", 3_000)


def made(kind, dimensions, seed, startup=(), asked=0):
    return make_sampler(kind, dimensions, seed, startup, asked, known=KNOWN)


def answer(values):
    """A made-up network: larger b costs more and is more accurate, whole cells are better."""
    b, cell, sharing = (values[name] for name in DIMENSIONS)
    params = int(1000 * b * (2 if sharing == "none" else 1))
    return Observation(params, 0.5 + 0.1 * np.log10(b) + 0.1 * cell)


def counted(values):
    """A made-up accuracy of the network as it is: larger ones and whole cells are better."""
    params = SPACE.count(values).params
    better = 0.1 * np.log10(params / 10_000) + 0.1 * values["cell_inplane_ratio"]
    return Observation(params, 0.6 + better)


def play(sampler, rounds, answer=answer):
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
    for proposal, _ in play(made(kind, DIMENSIONS, seed=1), 15):
        assert proposal.values.keys() == DIMENSIONS.keys()
        assert 0.1 <= proposal.values["cell_num_ratio"] <= 4.0
        assert proposal.values["cell_inplane_ratio"] in DIMENSIONS["cell_inplane_ratio"].values
        assert proposal.values["sharing_range"] in DIMENSIONS["sharing_range"].values


def test_the_same_seed_proposes_the_same(kind):
    one, other = (play(made(kind, DIMENSIONS, seed=5), 14) for _ in range(2))
    assert [p.values for p, _ in one] == [p.values for p, _ in other]


def test_another_seed_proposes_something_else(kind):
    one, other = (play(made(kind, DIMENSIONS, seed=seed), 6) for seed in (5, 6))
    assert [p.values for p, _ in one] != [p.values for p, _ in other]


def test_a_sampler_rebuilt_from_its_history_proposes_what_it_would_have(kind):
    whole = play(made(kind, DIMENSIONS, 2, STARTUP), 16)
    rebuilt = made(kind, DIMENSIONS, 2, STARTUP, asked=12)
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
    whole = play(made(kind, DIMENSIONS, 2, STARTUP), told + 3)
    rebuilt = made(kind, DIMENSIONS, 2, STARTUP, asked=told)
    for proposal, observed in whole[:told]:
        rebuilt.restore(proposal.ticket, proposal.values, proposal.state, observed)
    assert [p.values for p, _ in play(rebuilt, 3)] == [p.values for p, _ in whole[told:]]


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("kind", ["tpe", "nsga2"])
def test_what_a_guided_sampler_holds_is_bounded_by_what_is_open(kind):
    sampler = made(kind, DIMENSIONS, 0, STARTUP)
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
    history = play(made("nsga2", DIMENSIONS, 0, STARTUP), 130)
    generations = [proposal.state.get("_Nsga2:generation", 0) for proposal, _ in history]
    assert generations == sorted(generations)
    assert generations[-1] >= 5


def test_samplers_begin_with_what_they_are_given(kind):
    history = play(made(kind, DIMENSIONS, 0, STARTUP), 3)
    assert [dict(proposal.values) for proposal, _ in history[:2]] == STARTUP
    assert dict(history[2][0].values) not in STARTUP


def test_refusals_running_and_stopped_trials_do_not_get_in_the_way(kind):
    sampler = made(kind, DIMENSIONS, seed=3)
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
            sampler.tell(proposal.ticket, Observation(seen.cost, seen.accuracy, lacking))
    for ticket in open_tickets:
        sampler.tell(ticket, Observation(1000, 0.5))


def test_a_trial_restored_while_running_can_be_told(kind):
    sampler = made(kind, DIMENSIONS, seed=4)
    proposal = sampler.ask()
    rebuilt = made(kind, DIMENSIONS, seed=4, asked=1)
    rebuilt.restore(0, proposal.values, proposal.state, None)
    rebuilt.tell(0, answer(proposal.values))
    rebuilt.ask()


def test_tpe_learns_that_whole_cells_are_better():
    late = [p.values["cell_inplane_ratio"] for p, _ in play(made("tpe", DIMENSIONS, 0), 60)[30:]]
    assert late.count(1.0) > len(late) / 2


def digest(values):
    return plan_network(SPACE.decode(values), SPACE.backbone).digest


def test_exact_proposes_no_network_twice_and_stays_inside_the_limits():
    limits = Limits(min_params=30_000, max_params=90_000)
    known = Known(SPACE, limits, Area(30_000, 90_000, 0.3), 3)
    sampler = make_sampler("exact", DIMENSIONS, 0, known=known)
    history = play(sampler, 60, counted)
    assert len({digest(proposal.values) for proposal, _ in history}) == 60
    assert not any(limits.broken(SPACE.count(proposal.values)) for proposal, _ in history)


def test_exact_proposes_every_network_of_a_small_space_and_then_none():
    few = {"cell_num_ratio": Options((0.5, 1.0, 1.5, 2.0)), "sharing_range": Options(("none",))}
    space = Space(SPACE.backbone, few)
    known = Known(space, Limits(), Area(10_000, 300_000, 0.3), 3)
    sampler = make_sampler("exact", space.dimensions, 0, known=known)
    history = []
    for _ in range(4):
        proposal = sampler.ask()
        history.append(plan_network(space.decode(proposal.values), space.backbone).digest)
        sampler.tell(proposal.ticket, Observation(1000, 0.5))
    assert len(set(history)) == 4
    assert sampler.ask() is None
    assert sampler.ask(blindly=True) is None


def test_exact_proposes_networks_that_differ_in_the_assignment_of_cells_alone():
    """Of those its candidates have one; the others come last, before none is left."""
    backbone = shipped("resnet8x0.5", 10, 1, (8, 8))
    fixed = {"sharing_range": Options(("none",)), "reduction": Options((0.0625,))}
    cells = Options((0.25, 1.0))
    near = Options((0.1436, 0.1449, 0.148, 0.152, 0.156, 0.1603, 0.1649))
    ratios = {"cell_num_ratio": near, "cell_inplane_ratio": cells}
    space = Space(backbone, {**fixed, **ratios, "cell_outplane_ratio": cells})
    every = {
        plan_network(space.decode(values), backbone).digest
        for taken in product(*(choice.values for choice in space.dimensions.values()))
        for values in [dict(zip(space.dimensions, taken, strict=True))]
    }
    known = Known(space, Limits(), Area(5_000, 300_000, 0.3), 3)
    sampler = make_sampler("exact", space.dimensions, 0, known=known)
    proposed = []
    while (proposal := sampler.ask()) is not None:
        proposed.append(plan_network(space.decode(proposal.values), space.backbone).digest)
        sampler.tell(proposal.ticket, Observation(10_000 + len(proposed), 0.5))
    assert len(sampler.pool) < len(every)
    assert len(proposed) == len(set(proposed))
    assert set(proposed) == every


def test_exact_draws_further_when_its_candidates_are_used_up(monkeypatch):
    monkeypatch.setattr(exact, "CANDIDATES", 5)
    monkeypatch.setattr(exact, "MORE", 50)
    sampler = make_sampler("exact", DIMENSIONS, 0, known=KNOWN)
    history = play(sampler, 12, counted)
    assert len(sampler.pool) == 5
    assert len({digest(proposal.values) for proposal, _ in history}) == 12


@pytest.mark.parametrize("cost", [Cost.PARAMS, Cost.MACS])
def test_exact_looks_roughly_at_the_cost_that_it_looks_at_exactly(cost):
    """Which candidates are looked at closely is told by the front's own cost."""
    area = {Cost.PARAMS: Area(10_000, 300_000, 0.3), Cost.MACS: Area(500_000, 5_000_000, 0.3)}
    known = Known(SPACE, Limits(), area[cost], 3, cost=cost)
    sampler = make_sampler("exact", DIMENSIONS, 0, STARTUP, known=known)

    def of_cost(values):
        count = SPACE.count(values)
        return Observation(getattr(count, cost.value), counted(values).accuracy)

    play(sampler, 12, of_cost)
    gain, rough = sampler.gains()
    rows = np.arange(len(sampler.pool.params))
    assert np.corrcoef(gain(rows), rough(rows))[0, 1] > 0.9


def test_exact_leaves_out_what_is_known_elsewhere():
    first = make_sampler("exact", DIMENSIONS, 0, known=KNOWN).ask()
    taken = {digest(first.values)}
    known = Known(SPACE, KNOWN.limits, KNOWN.area, KNOWN.top, taken)
    again = make_sampler("exact", DIMENSIONS, 0, STARTUP, known=known)
    assert all(digest(again.ask().values) not in taken for _ in range(5))


def test_exact_learns_that_whole_cells_are_better_and_does_not_drift_to_tiny_networks():
    """Sizes of proposals lie all over the area, not at its low end, where little is gained."""
    sampler = make_sampler("exact", DIMENSIONS, 0, STARTUP, known=KNOWN)
    late = play(sampler, 60, counted)[20:]
    cells = [proposal.values["cell_inplane_ratio"] for proposal, _ in late]
    assert cells.count(1.0) > len(late) / 2
    shares = np.log([observed.cost / 10_000 for _, observed in late]) / np.log(30)
    assert np.mean(shares < 0.2) < 0.5
    assert np.mean(shares > 0.6) > 0.2


def test_exact_spreads_trials_that_are_under_way_at_once():
    sampler = make_sampler("exact", DIMENSIONS, 0, STARTUP, known=KNOWN)
    play(sampler, 20, counted)
    sizes = [counted(sampler.ask().values).cost for _ in range(8)]
    assert len(set(sizes)) == 8
    assert max(sizes) > 1.3 * min(sizes)


def test_exact_learns_from_the_rungs_of_stopped_trials():
    """Whole cells win after one epoch; no trial with them was trained further."""
    sampler = make_sampler("exact", DIMENSIONS, 0, known=KNOWN)
    for index in range(40):
        proposal = sampler.ask(blindly=True)
        whole = proposal.values["cell_inplane_ratio"] == 1.0
        size = counted(proposal.values).cost
        after_one = 0.5 + 0.1 * np.log10(size / 10_000) + 0.15 * whole
        curve = ((1, after_one, 0.01), (3, after_one + 0.1, 0.01))[: 1 if whole or index % 2 else 2]
        told = Observation(size, curve[-1][1], 1 - curve[-1][0] / 3, curve)
        sampler.tell(proposal.ticket, told)
    late = [proposal.values["cell_inplane_ratio"] for proposal in (sampler.ask() for _ in range(6))]
    assert late.count(1.0) >= 4


@pytest.mark.parametrize("told", [25, 39, 40, 61])
def test_exact_that_forgot_much_is_rebuilt_as_it_was(monkeypatch, told):
    monkeypatch.setattr(exact, "EVIDENCE", 20)
    whole = play(made("exact", DIMENSIONS, 2, STARTUP), told + 2)
    rebuilt = made("exact", DIMENSIONS, 2, STARTUP, asked=told)
    for proposal, observed in whole[:told]:
        rebuilt.restore(proposal.ticket, proposal.values, proposal.state, observed)
    assert [p.values for p, _ in play(rebuilt, 2)] == [p.values for p, _ in whole[told:]]
    assert len(rebuilt._seen) <= 40
