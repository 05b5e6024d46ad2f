"""Images for training: found by name, decoded and resized once, memory-mapped by every trial.

`prepare` writes them, `load` maps them, `split` sets validation images apart, `Sample` names the
images a training may see. Nothing here imports torch, except torchvision's readers when asked.
"""

from trials.tasks.classification.data.cache import Arrays, find, is_of_before, load, prepare
from trials.tasks.classification.data.manifest import Prepared
from trials.tasks.classification.data.sample import Sample, TrainingData, for_proxy, for_test
from trials.tasks.classification.data.split import Split, split

__all__ = [
    "Arrays",
    "Prepared",
    "Sample",
    "Split",
    "TrainingData",
    "find",
    "for_proxy",
    "for_test",
    "is_of_before",
    "load",
    "prepare",
    "split",
]
