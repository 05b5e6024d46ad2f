"""What is known of named data sets before they are read is true of those that are here."""

from pathlib import Path

import pytest

from trials.tasks.classification.catalogue import NAMED
from trials.tasks.classification.data.sources import has_test_set, locate
from trials.tasks.classification.recipe import PRESETS, recipe_for

FASHION = Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.parametrize(
    "name",
    [
        "digits",
        pytest.param(
            "fashion-mnist",
            marks=pytest.mark.skipif(not FASHION.is_dir(), reason="Fashion-MNIST is not here"),
        ),
    ],
)
def test_images_have_the_shape_that_the_catalogue_says(name):
    known, source = NAMED[name], locate(name, FASHION, download=False).open()
    assert (len(source.classes), source.channels) == (known.classes, known.channels)
    assert source.train.read(0).shape[-2:] == (known.edge, known.edge)


def test_every_data_set_has_a_recipe():
    for name, known in NAMED.items():
        assert recipe_for(name, 9) == PRESETS[known.recipe](9)
        assert has_test_set(name) is known.has_test
