"""Boxes and masks of things in images: training and measuring detectors on COCO's format."""

VERSION = 1
"""Of what a training measures; see `trials.tasks.classification.VERSION`."""
