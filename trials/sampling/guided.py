"""Samplers that learn: Optuna's, by ask and tell, with two objectives.

Optuna lives in memory and is fed from our tables. Every proposal is drawn by a sampler seeded
with (study seed, number of proposals so far), so what is proposed depends on the seed and on what
has been told, not on how often the search was interrupted. Trials under way stay running inside
Optuna, which then expects nothing good near them (constant liar).

A stopped trial was never trained to the top rung. It is told with the accuracy that it had and a
constraint that it breaks by the share of epochs it lacks, so that samplers rank it behind every
complete trial and learn from it all the same.

Optuna looks through all of its trials at every proposal and forgets none. So that the thousandth
proposal costs what the millionth does, it holds only what `trials.evidence` keeps: finished trials
are thinned when there are twice as many as wanted, which depends on nothing but their order, and
Optuna's study is made anew out of them from time to time.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState as OptunaState

from search_spaces.choices import Choice, Value
from trials.evidence import Observation, thinned
from trials.sampling.contract import Proposal
from trials.sampling.kinds import distribution, made

EVIDENCE = 256
"""Finished trials that a sampler is thinned to, when there are twice as many."""

EVIDENCE_OF = {"gp": 64}
"""The same for samplers that pay more for each: a Gaussian process, its cube."""

UNFINISHED = "epochs lacking"
"""Name of the constraint that stopped trials break."""

_SLACK = 1000
"""Trials that Optuna may hold beside those it needs, before its study is made anew."""

_GENERATION = ":generation"


@dataclass(frozen=True, slots=True)
class _Seen:
    """A trial that Optuna is to know: finished, or under way if ``observed`` is None."""

    values: Mapping[str, Value]
    state: Mapping[str, Any]
    observed: Observation | None


class Guided:
    """One of `GUIDED` on the dimensions of a space.

    Args:
        kind: one of `GUIDED`.
        dimensions: what each dimension can take.
        seed: the study's seed.
        startup: values proposed first, in this order.
        asked: proposals made before this sampler was built.
    """

    def __init__(
        self,
        kind: str,
        dimensions: Mapping[str, Choice],
        seed: int,
        startup: Sequence[Mapping[str, Value]] = (),
        asked: int = 0,
    ) -> None:
        self._kind = kind
        self._seed = seed
        self._distributions = {name: distribution(choice) for name, choice in dimensions.items()}
        self._startup = tuple(startup)
        self._asked = asked
        self._wanted = EVIDENCE_OF.get(kind, EVIDENCE)
        self._seen: dict[int, _Seen] = {}
        self._finished = 0
        self._tickets = 0
        self._generation = 0
        self._open: dict[int, optuna.Trial | int] = {}
        self._study: optuna.Study | None = None
        self._held = 0
        optuna.logging.set_verbosity(optuna.logging.WARNING)

    def ask(self, *, blindly: bool = False) -> Proposal:
        """Propose values; ``blindly`` draws at random, for when the model only repeats itself."""
        index = self._asked
        self._asked += 1
        seed = int(np.random.default_rng([self._seed, index]).integers(2**31))
        study = self._up_to_date()
        study.sampler = made("random" if blindly else self._kind, seed, self._distributions)
        if index < len(self._startup):
            study.enqueue_trial(dict(self._startup[index]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = study.ask(self._distributions)
        self._held += 1
        kept = study.get_trials(deepcopy=False)[trial.number]
        ticket = self._tickets
        self._tickets += 1
        self._open[ticket] = trial
        state = _moved(kept.system_attrs, self._generation)
        self._seen[ticket] = _Seen(dict(kept.params), state, None)
        return Proposal(ticket, dict(kept.params), state)

    def _up_to_date(self) -> optuna.Study:
        """Optuna's study, made anew if it is outdated or holds much that it need not."""
        study = self._study
        if study is None or self._held > 2 * len(self._seen) + _SLACK:
            study = optuna.create_study(directions=["minimize", "maximize"])
            tickets = sorted(self._seen)
            study.add_trials(self._frozen(self._seen[ticket]) for ticket in tickets)
            self._study = study
            self._held = len(tickets)
            self._open = {
                ticket: number
                for number, ticket in enumerate(tickets)
                if self._seen[ticket].observed is None
            }
        return study

    def _frozen(self, seen: _Seen) -> optuna.trial.FrozenTrial:
        observed = seen.observed
        return optuna.trial.create_trial(
            state=OptunaState.RUNNING if observed is None else OptunaState.COMPLETE,
            values=None if observed is None else _objectives(observed),
            params=dict(seen.values),
            distributions=self._distributions,
            system_attrs=_moved(seen.state, -self._generation),
            constraints=None if observed is None else {UNFINISHED: observed.lacking},
        )

    def refuse(self, ticket: int) -> None:
        """Take back a proposal that never became a trial, or a trial that failed."""
        del self._seen[ticket]
        if self._study is not None:
            self._study.tell(self._open.pop(ticket), state=OptunaState.FAIL)

    def tell(self, ticket: int, observed: Observation) -> None:
        """Tell what was measured."""
        seen = replace(self._seen[ticket], observed=observed)
        self._learn(ticket, seen)
        if self._study is None:
            return
        trial = self._open.pop(ticket)
        if isinstance(trial, int):  # Optuna sets constraints only on what it asked for itself
            self._study.tell(trial, state=OptunaState.FAIL)
            self._study.add_trial(self._frozen(seen))
            self._held += 1
        else:
            trial.set_constraint(UNFINISHED, observed.lacking)
            self._study.tell(trial, _objectives(observed))

    def restore(
        self,
        ticket: int,
        values: Mapping[str, Value],
        state: Mapping[str, Any],
        observed: Observation | None,
    ) -> None:
        """Put a trial of the database back: finished, or running if ``observed`` is None.

        Args:
            ticket: its number; proposals get higher ones.
            values: what was proposed.
            state: of the proposal.
            observed: what was told, in the order of telling.
        """
        self._tickets = max(self._tickets, ticket + 1)
        self._study = None
        seen = _Seen(dict(values), dict(state), observed)
        if observed is None:
            self._seen[ticket] = seen
        else:
            self._learn(ticket, seen)

    def _learn(self, ticket: int, seen: _Seen) -> None:
        """Keep a finished trial, and thin them all when there are too many."""
        self._seen[ticket] = seen
        self._finished += 1
        if self._finished < 2 * self._wanted:
            return
        told = [(t, s.observed) for t, s in sorted(self._seen.items()) if s.observed is not None]
        kept = thinned([observed for _, observed in told], self._wanted)
        for index in set(range(len(told))).difference(kept):
            del self._seen[told[index][0]]
        self._finished = len(kept)
        self._study = None
        self._generation = max(0, max(map(_generation, self._seen.values())) - 2)


def _generation(seen: _Seen) -> int:
    return max((value for key, value in seen.state.items() if key.endswith(_GENERATION)), default=0)


def _moved(state: Mapping[str, Any], by: int) -> dict[str, Any]:
    """A state with its generation, if it has one, ``by`` later; earlier ones become the first.

    Parents are sought generation by generation, so Optuna is shown the last three and takes all
    that came before for the first: the best of them are its parents.
    """
    return {
        key: max(0, value + by) if key.endswith(_GENERATION) else value
        for key, value in state.items()
    }


def _objectives(observed: Observation) -> tuple[float, float]:
    return log(observed.cost), observed.accuracy
