"""Which trials are trained again, and from which seeds."""

from math import hypot
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from search_spaces import NetworkConfig
from search_spaces.backbones import shipped
from trials.records import Role, Trial
from trials.repeats import near_front, planned, repeat_seed

TABLE = shipped("resnet8", 10)
CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")
points = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 20), st.integers(0, 4)), max_size=12)


def complete(given_points):
    """Trials of so many parameters, hundredths of accuracy, and hundredths of error."""
    return [
        SimpleNamespace(
            trial=Trial("s", number, CONFIG, f"{number:064x}", params, 10, number),
            number=number,
            accuracy=right / 100,
            accuracy_error=error / 100,
        )
        for number, (params, right, error) in enumerate(given_points)
    ]


@given(points)
def test_near_the_front_is_whatever_may_belong_there(given_points):
    trials = complete(given_points)
    near = {one.number for one in near_front(trials)}
    for one in trials:
        smaller = [o for o in trials if o.trial.params <= one.trial.params]
        best = max(smaller, key=lambda o: o.accuracy)
        if one.accuracy == best.accuracy:
            beaten = any(
                o.accuracy == one.accuracy and o.trial.params < one.trial.params for o in trials
            )
            assert beaten or one.number in near
        elif all(
            o.accuracy - one.accuracy > 2 * hypot(o.accuracy_error, one.accuracy_error) + 1e-9
            for o in smaller
            if o.accuracy == best.accuracy
        ):
            assert one.number not in near


@given(points, st.integers(1, 4))
def test_each_is_trained_so_many_times_and_never_twice_from_a_seed(given_points, times):
    trials = complete(given_points)
    wanted = planned(trials, (), TABLE, times)
    assert [one.number for one in wanted] == list(range(len(wanted)))
    assert len(wanted) == (times - 1) * len(near_front(trials))
    assert {one.role for one in wanted} <= {Role.REPEAT}
    seeds = {(one.digest, one.seed) for one in wanted}
    assert len(seeds) == len(wanted)
    assert not seeds & {(one.trial.digest, one.trial.seed) for one in trials}
    known = [SimpleNamespace(baseline=one) for one in wanted]
    assert planned(trials, known, TABLE, times) == []
    more = planned(trials, known, TABLE, times + 1)
    assert [one.number for one in more] == list(range(len(wanted), len(wanted) + len(more)))
    assert len(more) == len(near_front(trials))


def test_seeds_of_repeats_follow_from_the_trials():
    assert len({repeat_seed(seed, nth) for seed in range(20) for nth in range(1, 6)}) == 100
    assert 0 <= repeat_seed(2**32 - 1, 1) < 2**32
