"""What a study came to, in sentences for people: whether it pays, and what repeats changed."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from reports.intervals import CONFIDENCE, Interval
from reports.pays import Payoff, Pays, Plain
from reports.repeated import Mean, fallen
from reports.units import plural, seeds
from trials.costs import Cost
from trials.records import BaselineRecord, Role, TrialRecord


def pays(found: Payoff) -> str:
    """Whether KernelWarehouse pays, in a sentence for people."""
    plain = found.plain
    if plain is None or found.why:
        measured = "" if plain is None else f" Measured so far: {_named(plain)}."
        return f"{_OPENING[Pays.UNKNOWN]}. {found.why}{measured}"
    parts = [_gained(plain), _reached(plain, found.measure)]
    if found.ladder is not None:
        parts.append(f"on average over {found.rungs} plain widths {_points(found.ladder)}")
    text = f"{_OPENING[found.verdict]}: {'; '.join(parts)}."
    if found.errors is not None and not found.errors.images:
        text += " The measure reports no error: intervals hold the spread between seeds alone."
    if found.spread is None:
        text += " No network was trained from several seeds, so their spread is left out."
    return text


def repeats(
    front: Sequence[TrialRecord], found: Sequence[Mean], baselines: Iterable[BaselineRecord]
) -> str | None:
    """What the repeats did to the front; None where there are none.

    Args:
        front: of first trainings.
        found: means of trials that were trained again.
        baselines: of the study.
    """
    if not found:
        return _under_way([one for one in baselines if one.baseline.role is Role.REPEAT])
    over = seeds(len(mean.accuracies) for mean in found)
    text = f"The front is drawn from means of {plural(len(found), 'network')} over {over}."
    back = fallen(front, found)
    names = ", ".join(map(str, back))
    what = f"Trial {names} falls" if len(back) == 1 else f"Trials {names} fall"
    falls = f" {what} back behind smaller ones." if back else " No member falls back."
    return text + falls


def _under_way(found: Sequence[BaselineRecord]) -> str | None:
    if not found:
        return None
    over = sum(one.state.final for one in found)
    return (
        f"{over:,} of {plural(len(found), 'repeat')} are over; until each network near the front "
        "has its own, the front is that of first trainings."
    )


def facts(found: Payoff) -> dict[str, Any]:
    """The same as plain values: shares for accuracies and gains, and the sentence."""
    return {
        "verdict": found.verdict.value,
        "sentence": pays(found),
        "plain": None if found.plain is None else _row(found.plain),
        "others": [_row(one) for one in found.others],
        "ladder_gain": _ends(found.ladder),
        "ladder_networks": found.rungs,
        "seed_spread": found.spread,
        "images": None if found.errors is None else found.errors.images,
        "confidence": CONFIDENCE,
    }


_OPENING = {
    Pays.YES: "KernelWarehouse pays here",
    Pays.NO: "KernelWarehouse does not pay here",
    Pays.OPEN: "It cannot be told whether KernelWarehouse pays here",
    Pays.UNKNOWN: "Whether KernelWarehouse pays here is not known",
}


def _row(plain: Plain) -> dict[str, Any]:
    intervals = {name: _ends(getattr(plain, name)) for name in ("accuracy", "gain", "share")}
    row = {**asdict(plain), "role": plain.role.value, **intervals}
    cost, kind = row.pop("cost"), row.pop("kind")
    return row | ({"latency": cost / 1e9} if kind is Cost.LATENCY else {})


def _ends(interval: Interval | None) -> dict[str, float | None] | None:
    return None if interval is None else interval._asdict()


def _named(plain: Plain) -> str:
    accuracy = f"{100 * plain.accuracy.value:.1f}\N{NO-BREAK SPACE}%"
    over = plural(plain.seeds, "seed")
    return f"plain {plain.network} ({plain.kind.told(plain.cost)}, {accuracy} over {over})"


def _gained(plain: Plain) -> str:
    if plain.gain is None:
        more = "is larger" if plain.kind is Cost.PARAMS else "takes more"
        return f"every network of the front {more} than {_named(plain)}"
    gained = _points(plain.gain, f"{100 * CONFIDENCE:.0f}\N{NO-BREAK SPACE}% interval ")
    return f"at no more {plain.kind.noun} than {_named(plain)} {gained}"


def _points(gain: Interval, kind: str = "") -> str:
    value, low, high = (100 * (end or 0.0) for end in gain)
    if low > 0:
        return f"it gains {value:.1f} points ({kind}{low:.1f} to {high:.1f})"
    if high < 0:
        return f"it loses {-value:.1f} points ({kind}{-high:.1f} to {-low:.1f})"
    return f"it cannot be told apart, {value:+.1f} points ({kind}{low:+.1f} to {high:+.1f})"


def _reached(plain: Plain, measure: str) -> str:
    if plain.share is None:
        return f"no network of the front reaches its {measure}"
    value, low, high = plain.share
    verb = "reaches" if plain.kind is Cost.LATENCY else "reach"
    ends = f"at least {low:.2f}" if high is None else f"{low:.2f} to {high:.2f}"
    return f"{value:.2f} times its {plain.kind.noun} {verb} its {measure} ({ends})"
