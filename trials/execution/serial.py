"""One trial after the other, in this process.

A trial that ends the process ends the search; `trials.execution.isolated` is for trials that may.
"""

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
        except (StudyError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a training raises is its outcome
            failure = error
        decider.finish(trial, outcome_of(failure))
