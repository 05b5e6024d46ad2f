"""Latencies of a study: measured before anything is trained, and compared on one machine alone.

Torch is loaded when the first network is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kwsearch.problems import Problem, settings_of
from kwsearch.settings import StudySettings
from search_spaces import Backbone, InputError, Plan, plan_network
from search_spaces.latency import Conditions, Latency, milliseconds
from trials.errors import NothingFeasibleError
from trials.records import Baseline, StudyRecord

HARDWARE = "hardware"
"""Under which a stored study's settings keep the name of what its latencies are measured on."""

Timing = Callable[[Plan | Backbone], Latency]


def timing(settings: StudySettings) -> Timing | None:
    """What measures the networks of a study; None where it measures no latency."""
    conditions = settings.conditions
    if conditions is None:
        return None
    asked = conditions

    def measure(network: Plan | Backbone) -> Latency:
        from search_spaces.networks.timing import measure_latency  # noqa: PLC0415 - loads torch

        return measure_latency(network, asked)

    return measure


def quickest(asked: Problem, measure: Timing) -> Latency:
    """The latency of the network with the fewest MACs inside the limits on sizes.

    Raises:
        NothingFeasibleError: it is above the longest allowed; then hardly any network is below.
    """
    seed, limits = asked.settings.search.seed, asked.limits
    ends = asked.space.ends(limits, seed, by="macs")
    assert ends is not None  # noqa: S101 - the space was seen to have a network inside the limits
    found = measure(plan_network(ends[0], asked.space.backbone))
    if limits.max_latency is not None and found.median > limits.max_latency:
        raise NothingFeasibleError(
            f"The network with the fewest MACs takes {milliseconds(found.median)} on "
            f"{found.hardware}, more than max_latency = {milliseconds(limits.max_latency)}: "
            f"{ends[0].to_json()}.",
            "Raise max_latency, choose a smaller backbone, or change [latency].",
        )
    return found


def with_costs(
    planned: Sequence[Baseline], settings: StudySettings, measure: Timing | None
) -> list[Baseline]:
    """Baselines with what they cost in the study; each network is measured once."""
    found: dict[str, Latency] = {}
    priced = []
    for one in planned:
        if measure is not None and one.digest not in found:
            found[one.digest] = measure(one.backbone)
        timed = replace(one, latency=found.get(one.digest))
        priced.append(replace(timed, cost=settings.cost.of(timed) or 0))
    return priced


def require_same_machine(study: StudyRecord) -> None:
    """See that latencies of a study are measured where its first ones were.

    Raises:
        InputError: this machine has other hardware, or lacks the device.
    """
    settings = settings_of(study)
    conditions, before = settings.conditions, study.spec.settings.get(HARDWARE)
    if conditions is None or before is None:
        return
    here = _hardware(conditions)
    if here != before:
        raise InputError(
            f"Study {study.name!r} measures latency on {before}, and this machine has {here}: "
            "latencies of the two cannot be compared.",
            f"Go on on a machine with {before}, or start a new study here.",
        )


def _hardware(conditions: Conditions) -> str:
    from search_spaces.networks.timing import hardware_of  # noqa: PLC0415 - loads torch

    return hardware_of(conditions.device)
