"""Trials that fail alike: said once, with how often and what to change."""

import re
from collections import Counter
from typing import TYPE_CHECKING

from search_spaces.errors import plural

if TYPE_CHECKING:  # `--help` must not load what records are made of
    from trials.records import Outcome

SEVERAL = 3
"""Failures of one kind after which advice is given."""

CHANGES = {
    "non-finite": "Lower the learning rate or clip the gradient: learning_rate and "
    "gradient_clip in [proxy], or in your own measure.",
    "out-of-memory": "Lower batch_size or image_size in [proxy], the batches of your own "
    "measure, or workers in [execution].",
    "timeout": "Raise trial_timeout or epoch_timeout in [execution], or train for fewer epochs.",
    "worker-lost": "Give trials more memory: fewer workers in [execution], or smaller batches.",
}
"""What mends a cause, by its name in the database."""

_ELSE = "Mend what the message says; 'kwsearch show NAME TRIAL' has all of it."
_NUMBERS = re.compile(r"\d[\d.,]*")


class Failures:
    """Counts failures by kind: the same cause, and the same words but for their numbers."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def add(self, outcome: "Outcome") -> int:
        """Count an outcome; return how many have failed in its way, 0 if it is no failure."""
        if outcome.state.value != "failed":
            return 0
        kind = (outcome.cause or "", _NUMBERS.sub("#", outcome.detail or ""))
        self._seen[kind] += 1
        return self._seen[kind]

    @property
    def summary(self) -> str | None:
        """One line of how many failed of what, the commonest first; None if nothing failed."""
        causes: Counter[str] = Counter()
        for (cause, _), times in self._seen.items():
            causes[cause or "an unknown cause"] += times
        if not causes:
            return None
        counted = ", ".join(f"{times:,} x {cause}" for cause, times in causes.most_common())
        return f"{plural(causes.total(), 'trial')} failed: {counted}."


def change(cause: str | None) -> str:
    """What to change where trials fail of a cause."""
    return CHANGES.get(cause or "", _ELSE)
