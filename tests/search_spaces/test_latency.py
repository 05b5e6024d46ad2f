"""The statistic of a latency, on a clock of the test's own."""

from itertools import cycle, islice
from statistics import median

import pytest

from search_spaces.constraints import Limits
from search_spaces.latency import BLOCKS, Latency, milliseconds, nanoseconds, timed


class Made:
    """A network whose runs take what a list says, on a clock that moves with them."""

    def __init__(self, seconds):
        self.now, self.runs, self.seconds = 0.0, 0, iter(seconds)

    def run(self):
        self.now += next(self.seconds)
        self.runs += 1

    def clock(self):
        return self.now


def measured(seconds):
    made = Made(seconds)
    return timed(made.run, made.clock), made


def test_a_steady_network_takes_what_it_takes():
    (low, middle, high), made = measured(cycle([0.002]))
    assert (low, middle, high) == pytest.approx((0.002, 0.002, 0.002))
    assert made.now == pytest.approx(0.1 + 0.02 * BLOCKS, rel=0.1)


@pytest.mark.parametrize("seconds", [1e-5, 1e-3, 0.05, 2.0])
def test_a_measurement_ends_however_slow_the_network_is(seconds):
    (_, middle, _), made = measured(cycle([seconds]))
    assert middle == pytest.approx(seconds)
    assert made.runs >= 5 + 3 * 5
    assert made.now < 1 + 10 * seconds or made.runs == 5 + 3 * 5


def test_what_runs_first_is_not_timed():
    """The first runs find everything cold."""
    cold = [0.5, *[0.01] * 4]
    (_, middle, high), _ = measured([*cold, *[0.001] * 10_000])
    assert (middle, high) == pytest.approx((0.001, 0.001))


def test_other_work_of_the_machine_hardly_counts():
    """It comes in stretches that make runs several times slower, and leaves some blocks alone."""
    own = [0.001 * (0.95 + 0.1 * (7 * n % 11) / 10) for n in range(20_000)]
    busy = [t * (4 if (n // 60) % 3 else 1) for n, t in enumerate(own)]
    quiet = measured(iter(own))[0]
    found = measured(iter(busy))[0]
    assert median(islice(busy, 300)) > 3 * quiet.median
    assert found.median == pytest.approx(quiet.median, rel=0.05)
    assert found.low <= found.median <= found.high < 1.2 * quiet.high


def test_limits_on_latency_are_inclusive_and_leave_sizes_alone():
    limits = Limits(max_latency=0.02, min_latency=0.001)
    assert [limits.broken_by(t) for t in (0.0005, 0.001, 0.02, 0.03)] == [
        ("min_latency",),
        (),
        (),
        ("max_latency",),
    ]
    assert limits.broken(type("Size", (), {"params": 10**9, "macs": 10**9})()) == ()
    assert str(limits) == "max_latency = 20 ms, min_latency = 1 ms"


def test_latencies_compare_as_whole_nanoseconds():
    assert Latency(0.0012345678, 0.001, 0.002, "a processor").nanoseconds == 1_234_568
    assert nanoseconds(1e-12) == 1
    assert milliseconds(0.00123456) == "1.23 ms"
