"""What can go wrong while trials run and are kept; each error ends the command line in its way."""

from search_spaces.errors import KwsearchError


class StorageError(KwsearchError):
    """The database cannot be reached, read or written."""

    exit_code = 3


class StudyBusyError(KwsearchError):
    """Another process drives the study."""

    exit_code = 4


class InterruptedSearchError(KwsearchError):
    """A search was stopped by a person or a signal; everything measured is kept."""

    exit_code = 5


class NothingFeasibleError(KwsearchError):
    """No configuration of the space lies inside the budget."""

    exit_code = 6


class DamagedDataError(KwsearchError):
    """A file is not what it was when it was written."""

    exit_code = 7
