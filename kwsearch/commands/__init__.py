"""The commands, a module for each kind; each is words in and one call of `kwsearch.api`.

A command imports the API itself: ``--help``, and refusing a bad study file, load neither torch nor
a database.
"""
