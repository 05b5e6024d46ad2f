"""Images for training: found by name, decoded and resized once, memory-mapped by every trial.

`prepare` writes them, `load` maps them, `split` sets validation images apart, `Sample` names the
images a training may see. Nothing here imports torch, except torchvision's readers when asked.
"""

from trials.training.data.cache import Arrays, load, prepare
from trials.training.data.manifest import Prepared
from trials.training.data.sample import Sample, TrainingData, for_proxy, for_test
from trials.training.data.split import Split, split

__all__ = [
    "Arrays",
    "Prepared",
    "Sample",
    "Split",
    "TrainingData",
    "for_proxy",
    "for_test",
    "load",
    "prepare",
    "split",
]
