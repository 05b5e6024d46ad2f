"""One trial after the other, in this process."""

from functools import partial

from trials.errors import StudyError
from trials.execution.contract import Decider
from trials.execution.outcomes import outcome_of
from trials.records import Measure


def run_serially(decider: Decider, measure: Measure) -> None:
    """Run trials one after the other until the decider has no more."""
    while (trial := decider.suggest()) is not None:
        failure = None
        try:
            measure(trial, partial(decider.report, trial))
        except StudyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a training raises is its outcome
            failure = error
        decider.finish(trial, outcome_of(failure))
