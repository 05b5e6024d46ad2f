"""Training: images on disk, recipe, one loop, and the proxy that measures a trial."""

VERSION = 1
"""Of what a training measures: one more with each change after which the same network, trained from
the same seed by the same settings, may measure otherwise. Studies keep the version that they began
with; those of before it was kept have version 0."""
