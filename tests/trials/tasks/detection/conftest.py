"""A small folder in COCO's format: scikit-learn's digits on canvases of 48 pixels."""

import pytest


@pytest.fixture(scope="session")
def canvas(tmp_path_factory, canvas_maker):
    """24 pictures with one or two digits each."""
    folder = tmp_path_factory.mktemp("coco") / "digits"
    return canvas_maker(folder, pictures=24, canvas=48, most=2)
