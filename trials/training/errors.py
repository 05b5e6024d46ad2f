"""What can go wrong inside a training."""

from search_spaces.errors import KwsearchError


class NonFiniteError(KwsearchError):
    """Loss or accuracy is not a number or infinite; the trial's cause is ``"non-finite"``."""
