"""What an audit of a study has come to, as plain rows."""

from collections import defaultdict
from typing import Any

from kwsearch.problems import promotion_of, settings_of
from reports.audit import Audit, Audited, Tau, audit_of, sentence
from reports.figures.agreement import band_ends
from search_spaces import InputError
from search_spaces.errors import plural
from trials.records import Measurement
from trials.store import Store

Row = dict[str, Any]


def audit(store: Store, name: str, epochs: int | None = None) -> Row:
    """How far the proxy of a study is to be believed; see `reports.audit`.

    Args:
        store: the database.
        name: of the study.
        epochs: length of the audit; the longest if not given.

    Raises:
        InputError: there is none.
    """
    study = store.study(name)
    halving, settings = promotion_of(study), study.spec.settings
    found = audit_of(
        store.trials(name),
        _by_number(store.measurements(name)),
        store.baselines(name),
        _by_number(store.baseline_measurements(name)),
        rungs=settings_of(study).rungs,
        halving=halving,
        stops=settings.get("search", {}).get("promotion") not in ("none", "model"),
        epochs=epochs,
    )
    if found is None:
        of_length = "" if epochs is None else f" of {plural(epochs, 'epoch')}"
        raise InputError(
            f"Study {name!r} has no audit{of_length}.",
            f"Make one with 'kwsearch audit {name}'.",
        )
    ends = band_ends(halving)
    return {
        "study": name,
        "epochs": found.epochs,
        "proxy_epochs": found.top,
        "asked": found.asked,
        "failed": found.failed,
        "verdict": found.belief.value,
        "sentence": sentence(found),
        "networks": [network_row(found, one) for one in found.networks],
        "taus": [tau_row(one, ends) for one in found.taus],
        "decisions": [
            {
                "rung": one.rung,
                "trial": one.trial,
                "by_proxy": _words(goes_on=one.by_proxy),
                "by_long": _words(goes_on=one.by_long),
            }
            for one in found.decisions
        ],
    }


def _by_number(measured: list[tuple[int, Measurement]]) -> dict[int, list[Measurement]]:
    curves: dict[int, list[Measurement]] = defaultdict(list)
    for number, measurement in measured:
        curves[number].append(measurement)
    return curves


def network_row(found: Audit, one: Audited) -> Row:
    """An audited network; accuracies are named after their epochs."""
    rungs = {f"after_{epoch}": accuracy for epoch, accuracy in one.rungs.items()}
    return {
        "trial": one.trial,
        "params": one.params,
        **rungs,
        f"long_{found.epochs}": one.long,
        "error": one.error,
        "stopped_at": one.stopped,
        "on_front": one.on_front,
        "on_long_front": one.on_long_front,
        "behind": one.behind,
    }


def tau_row(tau: Tau, ends: tuple[tuple[int, int], ...]) -> Row:
    """A tau, with the sizes of its band."""
    kind, _, band = tau.group.partition(" ")
    low, high = ends[int(band)] if kind == "band" else (None, None)
    return {
        "rung": tau.rung,
        "pairs_of": "all sizes" if tau.group == "all" else tau.group,
        "min_params": low,
        "max_params": high,
        "networks": tau.networks,
        "pairs": tau.pairs,
        "tau": tau.value,
        "low": tau.low,
        "high": tau.high,
        "p_value": tau.p_value,
    }


def _words(*, goes_on: bool) -> str:
    return "goes on" if goes_on else "stopped"
