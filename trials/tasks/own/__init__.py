"""A measure of a person's own: a function that is given a network, trains it and reports."""

VERSION = 1
"""Of what is done around the function; see `trials.tasks.classification.VERSION`."""
