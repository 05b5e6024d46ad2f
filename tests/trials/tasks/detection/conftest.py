"""A small folder in COCO's format: scikit-learn's digits on canvases of 48 pixels."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[4] / "examples" / "fashion_canvas.py"


def canvas_maker():
    """The function ``make`` of the example."""
    spec = importlib.util.spec_from_file_location("fashion_canvas", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make


@pytest.fixture(scope="session")
def canvas(tmp_path_factory):
    """24 pictures with one or two digits each."""
    folder = tmp_path_factory.mktemp("coco") / "digits"
    return canvas_maker()(folder, pictures=24, canvas=48, most=2)
