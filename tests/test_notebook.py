"""The notebook runs from its first cell to its last, and shows what it says."""

import json
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_search.ipynb"


@pytest.fixture
def kernel(quick_path, monkeypatch):
    """A kernel specification that names this very Python."""
    specification = quick_path / "kernels" / "python3" / "kernel.json"
    specification.parent.mkdir(parents=True)
    words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification.write_text(json.dumps({"argv": words, "display_name": "", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(quick_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(quick_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(quick_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)


def shown(cell):
    """What a cell shows, by kind."""
    found = {}
    for output in cell.outputs:
        data = output.get("data", {"stream": output.get("text")})
        found |= {kind: "".join(value) for kind, value in data.items()}
    return found


@pytest.mark.usefixtures("kernel")
@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_notebook_goes_from_a_budget_to_a_trained_network(quick_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    client = nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(quick_path)}}
    )
    client.execute()
    cells = {
        cell.source.splitlines()[0]: shown(cell) for cell in notebook.cells if "outputs" in cell
    }
    assert (
        "<table"
        in cells['kwsearch.front("first")[["trial", "params", "accuracy", "accuracy_error"]]'][
            "text/html"
        ]
    )
    assert "image/png" in cells['Image(kwsearch.report("first", output="front.png"))']
    search, training = (
        cells[f"with {kind}() as progress:"] for kind in ("Progress", "EpochProgress")
    )
    first, second = search["text/plain"].splitlines()
    assert first.startswith("█" * 24 + " 4/4  best ")
    assert second.startswith("trial ")
    assert "stream" not in search, "one text that changes, no line a trial"
    assert (quick_path / "best-trained" / "model.safetensors").is_file()
    assert "text/plain" in training
