"""What was changed in an export is found out and named, and never run."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from kwsearch import api
from kwsearch.cli import app
from kwsearch.exporting.checksums import write_checksums
from search_spaces import Backbone, NetworkConfig, count, plan_network
from search_spaces.errors import InputError
from trials.errors import DamagedDataError

NAMES = (
    "README.md",
    "backbone.json",
    "checksums.sha256",
    "config.json",
    "counts.json",
    "model.onnx",
    "model.safetensors",
    "origin.json",
    "pretrained_cfg.json",
    "recipe.toml",
)


@pytest.fixture(scope="module")
def whole(exported, tmp_path_factory):
    """An export with weights, in memory where there is one; tests leave it as they found it."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder made inside is private
    root = tmp_path_factory.mktemp("verified")
    if os.access(shared, os.W_OK):
        root = shared / f"kwsearch-{os.getpid()}"
        root.mkdir()
    folder = Path(shutil.copytree(exported, root / "whole"))
    save_file(api.load(folder).network(fresh=True).state_dict(), folder / "model.safetensors")
    write_checksums(folder)
    yield folder
    shutil.rmtree(root)


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def damaged(folder, name):
    """The exit is 7, and the message names the file."""
    with pytest.raises(DamagedDataError) as raised:
        api.verify(folder)
    assert raised.value.exit_code == 7
    assert name in raised.value.cause
    assert raised.value.cure
    return raised.value.cause


def test_a_whole_export_is_found_whole(whole):
    told = api.verify(whole)
    assert told["files"] == len(NAMES) == len([*whole.iterdir()])
    assert (told["digest"], told["params"]) == (
        api.count(whole)["digest"],
        api.count(whole)["params"],
    )
    parts = " ".join(row["what"] for row in told["checked"])
    for word in ("checksums", "digest", "counts.json", "built", "weights"):
        assert word in parts


@settings(max_examples=300)
@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_byte_changed_in_any_file_is_found_and_the_file_named(whole, name, place, flip):
    path = whole / name
    kept = path.read_bytes()
    at = int(place * len(kept))
    path.write_bytes(kept[:at] + bytes([kept[at] ^ flip]) + kept[at + 1 :])
    try:
        cause = damaged(whole, name)
        assert [other for other in NAMES if other != name and other in cause] == []
    finally:
        path.write_bytes(kept)


@given(st.sampled_from(NAMES), st.floats(0, 1, exclude_max=True))
def test_a_file_cut_at_any_length_is_found_and_named(whole, name, share):
    path = whole / name
    kept = path.read_bytes()
    path.write_bytes(kept[: int(share * len(kept))])
    try:
        damaged(whole, name)
        if name in {"config.json", "backbone.json", "origin.json", "model.safetensors"}:
            with pytest.raises(DamagedDataError, match=name):
                api.load(whole)
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_missing_or_a_link_is_named(copy, name):
    kept = copy.parent / "elsewhere"
    (copy / name).rename(kept)
    damaged(copy, name)
    (copy / name).symlink_to(kept)
    if name != "checksums.sha256":
        damaged(copy, name)


@pytest.mark.parametrize(
    "name", ["extra.bin", ".hidden", "inside/of/a/folder.txt", "checksums.md5"]
)
def test_a_file_that_was_added_is_named(copy, name):
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_text("more")
    assert "was added" in damaged(copy, name)


def test_all_changes_are_named_at_once(copy):
    (copy / "config.json").unlink()
    (copy / "counts.json").write_text("{}")
    (copy / "more.txt").write_text("")
    cause = damaged(copy, "config.json is missing")
    assert "counts.json has changed" in cause
    assert "more.txt was added" in cause


def rewritten(folder, name, change):
    """Change a JSON file and make the checksums fit."""
    value = json.loads((folder / name).read_bytes())
    change(value)
    (folder / name).write_text(json.dumps(value))
    write_checksums(folder)


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("config.json", lambda v: v.update(cell_num_ratio=2.0), "origin.json"),
        ("config.json", lambda v: v.update(cell_num_ratio="many"), "config.json"),
        ("config.json", lambda v: v.update(granularity="stage", reduction=[0.5]), "config.json"),
        ("config.json", lambda v: v.clear(), "config.json"),
        ("backbone.json", lambda v: v["sites"].pop(), "origin.json"),
        ("backbone.json", lambda v: v["sites"][0].pop("kernel"), "backbone.json"),
        ("backbone.json", lambda v: v.update(sites=7), "backbone.json"),
        ("backbone.json", lambda v: v.update(plain_macs=9), "counts.json"),
        ("counts.json", lambda v: v.update(params=1), "counts.json"),
        ("counts.json", lambda v: v["warehouses"][0].update(cells=1), "counts.json"),
        ("origin.json", lambda v: v.update(params=1), "origin.json"),
        ("origin.json", lambda v: v.update(digest="0" * 64), "origin.json"),
        ("origin.json", lambda v: v.pop("seed"), "origin.json"),
    ],
)
def test_checksums_that_were_made_to_fit_hide_nothing(copy, name, change, named):
    rewritten(copy, name, change)
    damaged(copy, named)


def test_a_table_that_no_network_has_is_found_out_by_building(copy):
    """Everything that is written down agrees on one parameter more than there is."""
    rewritten(copy, "backbone.json", lambda v: v.update(plain_params=v["plain_params"] + 1))
    config, table = (json.loads((copy / f"{n}.json").read_bytes()) for n in ("config", "backbone"))
    plan = plan_network(
        NetworkConfig.model_validate_json(json.dumps(config)), Backbone.from_dict(table)
    )
    rewritten(copy, "counts.json", lambda v: v.update(count(plan).to_dict()))
    rewritten(copy, "origin.json", lambda v: v.update(digest=plan.digest, params=v["params"] + 1))
    assert "parameters were counted" in damaged(copy, "backbone.json")


def test_the_authors_settings_of_another_network_are_found_out(copy):
    (copy / "upstream.json").write_text('{"model": "kw_resnet18"}')
    write_checksums(copy)
    damaged(copy, "upstream.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("conv1.weight"),
        lambda t: t.update(more=torch.zeros(1)),
        lambda t: t.update({"conv1.weight": torch.zeros(1, 1)}),
        lambda t: t.update({"conv1.weight": t["conv1.weight"].half()}),
    ],
)
def test_weights_of_another_network_are_found_out(copy, change):
    tensors = load_file(copy / "model.safetensors")
    change(tensors)
    save_file(tensors, copy / "model.safetensors")
    write_checksums(copy)
    damaged(copy, "model.safetensors")
    with pytest.raises(DamagedDataError, match=r"model\.safetensors"):
        api.load(copy).network()


class Bomb:
    """What a pickle would do when it is read."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return Path.touch, (Path(self.place),)


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_in_place_of_weights_is_refused_and_not_run(copy, write):
    trace = copy.parent / "ran"
    with (copy / "model.safetensors").open("wb") as file:
        write({"conv1.weight": Bomb(trace)}, file)
    write_checksums(copy)
    damaged(copy, "model.safetensors")
    with pytest.raises(DamagedDataError, match=r"model\.safetensors"):
        api.load(copy).network()
    assert not trace.exists()


def test_deep_nesting_ends_as_damage(copy):
    (copy / "origin.json").write_text("[" * 100_000)
    write_checksums(copy)
    damaged(copy, "origin.json")


def test_what_is_no_export_is_bad_input(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError):
            api.verify(place)


@pytest.mark.usefixtures("at_study")
def test_a_ladder_is_verified_with_everything_below(tmp_path):
    api.export_ladder("small", folder=tmp_path / "rungs", sizes="1x,8x")
    assert api.verify(tmp_path / "rungs")["files"] > 2 * 6
    assert len([r for r in api.verify(tmp_path / "rungs")["checked"] if "rung" in r["part"]]) == 2
    config = tmp_path / "rungs" / "8x" / "config.json"
    kept = config.read_bytes()
    config.write_bytes(kept + b" ")
    damaged(tmp_path / "rungs", "8x/config.json")
    write_checksums(tmp_path / "rungs")
    damaged(tmp_path / "rungs", "config.json")
    config.write_bytes(kept)
    rewritten(tmp_path / "rungs", "ladder.json", lambda v: v["rungs"][0].update(params=1))
    damaged(tmp_path / "rungs", "ladder.json")
    rewritten(tmp_path / "rungs", "ladder.json", lambda v: v["rungs"][0].update(folder="../8x"))
    damaged(tmp_path / "rungs", "8x")


def test_the_command_tells_what_it_checked(whole):
    ended = CliRunner().invoke(app, ["verify", str(whole), "--json"])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout) == api.verify(whole)


def test_a_changed_byte_ends_with_7_in_two_lines_before_torch_is_loaded(copy):
    (copy / "counts.json").write_text("")
    script = (
        "import sys; from kwsearch.__main__ import main\n"
        f"sys.argv = ['kwsearch', 'verify', {str(copy)!r}]\n"
        "try: main()\n"
        "finally: assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (7, "")
    cause, cure = ended.stderr.splitlines()
    assert "counts.json has changed" in cause
    assert cure
