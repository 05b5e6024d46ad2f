"""Which trials an audit takes, and which trainings it lacks."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from search_spaces import NetworkConfig
from search_spaces.backbones import shipped
from trials.audits import audit_seed, lengths, of_length, planned, spread
from trials.fidelity import Ladder
from trials.records import Role, Trial, TrialState

TABLE = shipped("resnet8", 10)
CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")
sizes = st.lists(st.integers(1, 10**7), min_size=1, max_size=20)


def trials(params, stopped=()):
    return [
        SimpleNamespace(
            trial=Trial("s", number, CONFIG, f"{number:064x}", size, 10, number),
            number=number,
            state=TrialState.STOPPED if number in stopped else TrialState.COMPLETE,
        )
        for number, size in enumerate(params)
    ]


@given(sizes, st.integers(1, 10), st.sets(st.integers(0, 19)))
def test_a_spread_has_members_of_the_front_and_others_alike(params, number, front):
    measured = trials(params)
    taken = spread(measured, front, number, ())
    assert len(taken) == min(number, len(measured)) == len({one.number for one in taken})
    assert taken == spread(measured, front, number, ())
    members = sum(one.number in front for one in measured)
    on_front = sum(one.number in front for one in taken)
    others = len(measured) - members
    if min(members, others) >= number:
        assert abs(2 * on_front - number) <= 1


@given(sizes, st.integers(2, 10))
def test_a_spread_covers_the_sizes_and_a_larger_one_holds_it(params, number):
    measured = trials(params)
    taken = spread(measured, (), number, ())
    assert min(params) == taken[0].trial.params
    assert len(taken) == len(measured) or max(params) in {one.trial.params for one in taken}
    more = spread(measured, (), number + 2, {one.number for one in taken})
    assert {one.number for one in taken} <= {one.number for one in more}


def test_stopped_trials_are_trained_by_the_proxy_too():
    """From their own seed, where the long training has one of its own."""
    measured = trials([10, 20, 30], stopped=[1])
    wanted = planned(measured, (), TABLE, epochs=45, top=9)
    assert [(one.repeats.number, one.schedule_epochs) for one in wanted] == [
        (0, 45),
        (1, 9),
        (1, 45),
        (2, 45),
    ]
    assert [one.number for one in wanted] == [0, 1, 2, 3]
    assert {one.role for one in wanted} == {Role.AUDIT}
    assert wanted[1].seed == 1
    assert wanted[2].seed == audit_seed(1, 45) != 1
    known = [SimpleNamespace(baseline=one) for one in wanted]
    assert planned(measured, known, TABLE, epochs=45, top=9) == []
    longer = planned(measured, known, TABLE, epochs=60, top=9)
    assert [one.schedule_epochs for one in longer] == [60, 60, 60]
    assert longer[0].number == 4
    assert {one.seed for one in longer}.isdisjoint({one.seed for one in wanted})
    assert lengths(known, 9) == [45]
    assert len(of_length(known, 45)) == 3


def test_a_longer_ladder_has_a_rung_each_time_a_trial_would_be_complete():
    ladder = Ladder((1, 3, 9))
    assert ladder.to(9) is ladder
    assert ladder.to(45).rungs == (9, 18, 27, 36, 45)
    assert ladder.to(20).rungs == (9, 18, 20)
    assert ladder.to(10).rungs == (9, 10)
