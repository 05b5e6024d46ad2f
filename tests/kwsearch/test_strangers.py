"""What a stranger wrote is read and verified; nothing of it is run unless a person asks."""

import json
import shutil

import pytest
from typer.testing import CliRunner

import kwsearch
from kwsearch import api
from kwsearch.cli import app
from kwsearch.exporting.checksums import write_checksums
from search_spaces import Backbone, InputError, NetworkConfig, count, plan_network
from search_spaces.networks.named import is_library_model
from trials.errors import DamagedDataError

EVIL = """\
from pathlib import Path

Path({trace!r}).touch()


def net(num_classes, in_channels):
    Path({trace!r}).touch()
"""
OTHERS = (
    "torchvision.models:get_model",
    "torchvision.models.resnet:Tensor",
    "torchvision.modelsevil:resnet18",
    "timm.utils:get_state_dict",
    "os:abort",
    "resnet18",
)
LADDER = {"study": "small", "rungs": []}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current directory, with a package that leaves a trace where it is imported."""
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "payload.py").write_text(EVIL.format(trace=str(tmp_path / "ran")))
    (tmp_path / "evil" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def renamed(exported, folder, name):
    """An export whose network is made by ``name``, whole in everything else."""
    copy = folder / "export"
    shutil.copytree(exported, copy)
    for part in ("model.onnx", "upstream.json"):
        (copy / part).unlink(missing_ok=True)
    table = json.loads((copy / "backbone.json").read_text()) | {"name": name}
    config = json.loads((copy / "config.json").read_text()) | {"backbone": name}
    plan = plan_network(NetworkConfig.from_json(json.dumps(config)), Backbone.from_dict(table))
    origin = json.loads((copy / "origin.json").read_text()) | {"digest": plan.digest}
    parts = {"backbone": table, "config": config, "origin": origin, "counts": count(plan).to_dict()}
    for part, value in parts.items():
        (copy / f"{part}.json").write_text(json.dumps(value))
    write_checksums(copy)
    return copy


@pytest.mark.parametrize("name", ["evil.payload:net", "os:abort", "torchvision.models:evil"])
def test_an_export_that_names_code_is_verified_on_its_table(exported, folder, name):
    copy = renamed(exported, folder, name)
    checked = {row["what"]: row["found"] for row in api.verify(copy)["checked"]}
    assert checked["the network, on its table"] == f"{name} was not run"
    assert api.count(copy)["params"] == json.loads((copy / "origin.json").read_text())["params"]
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("name", ["evil.payload:net", "os:abort"])
@pytest.mark.parametrize(
    "words", [["train", "export"], ["count", "export/config.json"]], ids=["train", "count"]
)
def test_commands_that_would_run_it_ask_first(exported, folder, name, words):
    copy = renamed(exported, folder, name)
    ended = CliRunner().invoke(app, words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert name in ended.stderr
    assert "--trust-code" in ended.stderr
    with pytest.raises(InputError, match="trust_code"):
        kwsearch.load(copy).network(fresh=True)
    assert not (folder / "ran").exists()


def test_trusted_code_is_run(exported, folder):
    copy = renamed(exported, folder, "evil.payload:net")
    with pytest.raises(InputError, match=r"evil\.payload:net returned a NoneType"):
        kwsearch.load(copy).network(trust_code=True, fresh=True)
    assert (folder / "ran").exists()


def test_models_are_known_by_what_their_library_lists():
    assert is_library_model("torchvision.models:resnet18")
    assert is_library_model("timm.models:mobilenetv3_small_050")
    assert is_library_model("torchvision.models.resnet:resnet18")
    assert not any(map(is_library_model, OTHERS))


def test_a_folder_named_like_a_library_is_not_looked_in(folder):
    """A model of torchvision is torchvision's, whatever lies in the current directory."""
    script = "Path('ran').touch()\ndef resnet18(**_): pass\n"
    (folder / "torchvision").mkdir()
    (folder / "torchvision" / "models.py").write_text(f"from pathlib import Path\n{script}")
    assert is_library_model("torchvision.models:resnet18")
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("name", [".", "..", "../export", "rungs/small", "/tmp", "link"])  # noqa: S108 - a name that must be refused
def test_a_ladder_that_leaves_its_folder_or_names_itself_is_damaged(exported, folder, name):
    rungs = folder / "rungs"
    rungs.mkdir()
    shutil.copytree(exported, folder / "export")
    row = {"rung": "1x", "max_params": 1, "trial": 0, "params": 1, "accuracy": 0.5}
    (rungs / "ladder.json").write_text(json.dumps({**LADDER, "rungs": [{**row, "folder": name}]}))
    write_checksums(rungs)
    (rungs / "link").symlink_to(folder / "export")
    with pytest.raises(DamagedDataError):
        api.verify(rungs)
    (rungs / "link").unlink()
    with pytest.raises(DamagedDataError, match=r"ladder\.json"):
        api.verify(rungs)


def test_a_ladder_in_a_ladder_is_damaged(folder):
    inner, outer = folder / "outer" / "inner", folder / "outer"
    inner.mkdir(parents=True)
    row = {"rung": "1x", "max_params": 1, "trial": 0, "params": 1, "accuracy": 0.5}
    for at, name in ((inner, "inner"), (outer, "inner")):
        (at / "ladder.json").write_text(json.dumps({**LADDER, "rungs": [{**row, "folder": name}]}))
        write_checksums(at)
    with pytest.raises(DamagedDataError, match=r"ladder\.json"):
        api.verify(outer)


def test_a_table_of_too_many_layers_is_refused_unread(exported, folder):
    copy = renamed(exported, folder, "evil.payload:net")
    table = json.loads((copy / "backbone.json").read_text())
    table["sites"] = table["sites"][:1] * 200_000
    (copy / "backbone.json").write_text(json.dumps(table))
    write_checksums(copy)
    with pytest.raises(DamagedDataError, match=r"backbone\.json"):
        api.verify(copy)
