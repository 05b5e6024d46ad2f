"""What can go wrong while trials run and are kept; each error ends the command line in its way."""

from search_spaces import KwsearchError


class StudyError(KwsearchError):
    """Concerns the whole study: executors let it out instead of failing one trial."""


class StorageError(StudyError):
    """The database or a file of a run cannot be reached, read or written."""

    exit_code = 3


class LostDatabaseError(StorageError):
    """The database itself: nothing can be written to it now, not even that a search has ended."""


class StudyBusyError(StudyError):
    """Another process drives the study."""

    exit_code = 4


class InterruptedSearchError(StudyError):
    """A search was stopped by a person or a signal; everything measured is kept."""

    exit_code = 5


class NothingFeasibleError(StudyError):
    """No configuration of the space lies inside the budget."""

    exit_code = 6


class NothingFoundError(StudyError):
    """A study has had its trials, and none of them reached the front."""

    exit_code = 6


class DamagedDataError(StudyError):
    """A file is not what it was when it was written."""

    exit_code = 7


class NonFiniteError(KwsearchError):
    """A loss or an accuracy of one trial is not a finite number."""
