"""The pictures of the docs are one command."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "docs" / "pictures.py"


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium here")
def test_a_study_is_pictured_as_wide_as_the_names_say(made_up, tmp_path):
    spec = importlib.util.spec_from_file_location("docs_pictures", SCRIPT)
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    taken = pictures.main(["made-up", "--database", str(made_up), "--output", str(tmp_path)])
    assert [path.name for path in taken] == [f"made-up-{n}.png" for n in ("front", 1280, 390)]
    for path, width in zip(taken[1:], pictures.WIDTHS, strict=True):
        with Image.open(path) as image:
            assert image.width == width
            assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 8, "nothing is there"
