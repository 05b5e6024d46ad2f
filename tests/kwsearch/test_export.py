"""An export is a folder that explains itself, whole or not there."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import kwsearch
from kwsearch import api
from kwsearch.cli import app
from kwsearch.exporting import Found, export_trial, onnx_graph, parse_ladder, runs_folders
from kwsearch.exporting import folder as writing
from kwsearch.exporting.card import Card
from kwsearch.exporting.contents import upstream_settings
from kwsearch.exporting.markdown import code, table
from kwsearch.output import escape
from kwsearch.study_file import read_toml, validate
from search_spaces import InputError, NetworkConfig, count, from_upstream, plan_network
from search_spaces.backbones import shipped
from search_spaces.networks import assign_cells, build
from search_spaces.overrides import overridden
from search_spaces.published import published
from trials.errors import DamagedDataError, StorageError
from trials.files import file_sha256
from trials.records import KeptFile
from trials.store import open_store
from trials.tasks.classification.full_recipes import full_recipe
from trials.tasks.classification.recipe import Recipe

FILES = {
    "README.md",
    "backbone.json",
    "checksums.sha256",
    "config.json",
    "counts.json",
    "model.onnx",
    "origin.json",
    "pretrained_cfg.json",
    "recipe.toml",
}


def read(path):
    return json.loads(path.read_bytes())


def everything(folder):
    """Every path below a folder, hidden ones too."""
    return sorted(folder.rglob("*"))


def test_the_files_say_which_network_it_is_and_what_it_costs(exported):
    assert {path.name for path in exported.iterdir()} == FILES
    back = kwsearch.load(exported)
    assert back.config == NetworkConfig.from_json((exported / "config.json").read_bytes())
    assert plan_network(back.config, back.backbone).digest == back.origin["digest"]
    size = count(back.config, back.backbone)
    assert read(exported / "counts.json")["params"] == size.params == back.origin["params"]
    assert api.count(exported)["digest"] == back.origin["digest"]
    assert api.count(exported)["macs"] == back.origin["macs"]


def test_sha256sum_reads_the_checksums(exported):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "checksums.sha256"],  # noqa: S607 - wherever it lies
        cwd=exported,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(": OK\n") == len(FILES) - 1


def test_images_are_told_as_the_trials_saw_them(exported):
    told = read(exported / "pretrained_cfg.json")
    assert told["input_size"] == [1, 8, 8]
    assert told["num_classes"] == len(told["label_names"]) == 10
    assert told["mean"] == pytest.approx([0.306], abs=0.01)
    assert told["std"] == pytest.approx([0.376], abs=0.01)


def test_without_decoded_images_an_export_leaves_no_trace_elsewhere(
    searched, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    database = str(searched / "runs/kwsearch.db")
    api.export("small", folder="out", trial=0, database=database)
    assert [*tmp_path.iterdir()] == [tmp_path / "out"]
    assert not (tmp_path / "out" / "pretrained_cfg.json").exists()


def test_the_recipe_is_that_of_full_training(exported):
    recipe = validate(Recipe, read_toml(exported / "recipe.toml"), "recipe.toml")
    proxy = read(exported / "origin.json")["settings"]["proxy"]
    assert recipe == full_recipe("resnet8x0.25", "digits", 8, proxy)
    assert (recipe.learning_rate, recipe.batch_size) == (0.1, 128)
    assert recipe.epochs > read(exported / "origin.json")["epochs"]


def test_the_network_starts_as_the_trials_training_did(exported):
    one, two = (kwsearch.load(exported).network(fresh=True).state_dict() for _ in range(2))
    torch.manual_seed(read(exported / "origin.json")["seed"])
    network = build(kwsearch.load(exported).plan)
    assert read(exported / "origin.json")["settings"]["proxy"]["attention_start"] == "assigned"
    assign_cells(network)
    fresh = network.state_dict()
    for name, value in fresh.items():
        assert torch.equal(one[name], value), name
        assert torch.equal(two[name], value), name


def test_loading_leaves_the_random_state_alone(exported):
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    kwsearch.load(exported).network(fresh=True)
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(
    "name", ["kw1d4x_resnet18", "kw1d2x_resnet50", "kw4x_mobilenetv2_050", "kw1x_convnext_tiny"]
)
def test_the_authors_settings_are_the_same_network(name):
    config = published(name)
    table_ = shipped(config.backbone, config.num_classes, config.in_channels, (64, 64))
    settings = json.loads(json.dumps(upstream_settings(config, table_)))
    assert plan_network(from_upstream(settings)).digest == plan_network(config, table_).digest


def test_layers_that_a_study_excludes_are_beyond_the_authors_settings():
    config = published("kw1x_resnet18")
    table_ = overridden(shipped("resnet18"), exclude=["layer1.0.conv1"], addresses={})
    with pytest.raises(InputError, match="exclude, addresses"):
        upstream_settings(config, table_)


@pytest.mark.usefixtures("at_study")
def test_the_hub_reads_the_head_of_the_card(exported):
    card = ModelCard.load(exported / "README.md")
    best = api.best("small", max_params=60_000)
    data = card.data
    assert (data.license, data.library_name) == ("unknown", "kwsearch")
    assert data.pipeline_tag == "image-classification"
    assert "kernel-warehouse" in data.tags
    (result,) = data.eval_results
    assert (result.dataset_name, result.dataset_split) == ("digits", "validation")
    assert (result.metric_type, result.metric_value) == ("accuracy", best["accuracy"])
    assert data.model_name == f"small-{best['trial']}"


@pytest.mark.usefixtures("at_study")
def test_the_card_has_the_front_with_its_place_and_the_counts(exported):
    text = (exported / "README.md").read_text()
    best = api.best("small", max_params=60_000)
    for row in api.front("small"):
        mark = " (this one)" if row["trial"] == best["trial"] else ""
        assert re.search(
            rf"\| \W*{row['trial']}\W*{re.escape(mark)}.* \| {row['params']:,} \|", text
        )
    assert text.count("(this one)") == 1
    counts = read(exported / "counts.json")
    for warehouse in counts["warehouses"]:
        assert f"`{warehouse['name']}`" in text
    assert f"| attention | {counts['attention_params']:,} |" in text
    assert best["digest"] in text


def test_the_snippets_of_the_card_build_the_network(exported, monkeypatch):
    monkeypatch.chdir(exported)
    blocks = re.findall(r"```python\n(.*?)```", Path("README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        names = {}
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - it is what people will do
        built = sum(p.numel() for p in names["network"].parameters())
        assert built == read(exported / "counts.json")["params"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_text_in_a_card_stays_text(first, second):
    """Whatever people wrote, a page shows two cells of code and no markup."""
    page = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(table(("a", "b"), [(code(first), code(second))]))
    )
    cells = re.findall(r"<td[^>]*><code>(.*?)</code></td>", page)
    assert len(cells) == 2
    plain = re.sub(r"</?(?:table|thead|tbody|tr|th|td|code)(?: style=\"[a-z:-]+\")?>", "", page)
    assert "<" not in plain
    for cell, text in zip(cells, (first, second), strict=True):
        shown = cell.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
        assert shown.replace("&amp;", "&").split() == escape(text).split()


@pytest.mark.usefixtures("at_study")
def test_a_name_of_images_cannot_break_the_head_of_a_card():
    with open_store(None, create=False, read_only=True) as store:
        study, record = store.study("small"), store.trial("small", 0)
    evil = "./x\n---\n<script>alert('1')</script> | ` \x1b[2J"
    settings = {**study.spec.settings, "proxy": {**study.spec.settings["proxy"], "data": evil}}
    object.__setattr__(study.spec, "settings", settings)
    text = Card(study, record, (), (), None, None, None, None).text()
    card = ModelCard(text)
    assert card.data.eval_results[0].dataset_name == escape(evil)
    page = MarkdownIt("commonmark").enable("table").render(card.text)
    assert "<script>" not in page
    assert "\x1b" not in text


@pytest.mark.usefixtures("at_study")
def test_what_exists_is_never_touched(tmp_path):
    for name in ("file", "folder/inside"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    before = everything(tmp_path)
    for name in ("file", "folder", "link", "dangling", ".", ""):
        with pytest.raises(InputError, match="never overwrites"):
            api.export("small", folder=tmp_path / name, trial=0)
        with pytest.raises(InputError, match="never overwrites"):
            api.export_ladder("small", folder=tmp_path / name, sizes="1x")
    assert everything(tmp_path) == before
    assert (tmp_path / "folder" / "inside").read_text() == "mine"


@pytest.mark.usefixtures("at_study")
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left") as raised:
        api.export("small", folder=tmp_path / "out", trial=0)
    assert str(tmp_path / "out") in raised.value.cause
    assert everything(tmp_path) == []


KILLED = """
import os, sys
from kwsearch import api
folder, steps = sys.argv[1], int(sys.argv[2])
sync = os.fsync
for last in range(steps):
    if os.fork() == 0:
        left = [last]
        def die(descriptor):
            if not left[0]:
                os._exit(9)
            left[0] -= 1
            sync(descriptor)
        os.fsync = die
        api.export("small", folder=f"{folder}/{last}", trial=0)
        os._exit(0)
    os.wait()
"""


def test_an_export_killed_at_any_step_is_whole_or_not_there(at_study, tmp_path):
    """It dies before each of its writes becomes lasting."""
    subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), "14"], cwd=at_study, check=True, timeout=900
    )
    whole = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert 1 <= len(whole) < 14
    for path in whole:
        kwsearch.verify(path)


def test_an_export_needs_no_torch(at_study, tmp_path):
    script = (
        "import sys; from kwsearch import api;"
        f"api.export('small', folder={str(tmp_path / 'out')!r}, trial=0);"
        f"api.load({str(tmp_path / 'out')!r});"
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    subprocess.run([sys.executable, "-c", script], cwd=at_study, check=True, timeout=900)


def test_verbs_of_the_package_are_functions():
    """Modules that are loaded on the way do not hide them."""
    for name in ("export", "load", "verify"):
        assert callable(getattr(kwsearch, name))


def test_a_graph_gives_the_networks_logits_for_every_batch(exported):
    session = onnxruntime.InferenceSession(
        exported / "model.onnx", providers=["CPUExecutionProvider"]
    )
    network = kwsearch.load(exported).network(fresh=True)
    told = read(exported / "pretrained_cfg.json")
    for batch in (1, 3, 10):
        images = torch.randn(batch, *told["input_size"])
        with torch.no_grad():
            wanted = network(images).numpy()
        (found,) = session.run(["logits"], {"images": images.numpy()})
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("at_study")
def test_a_graph_that_differs_is_refused_and_nothing_is_written(exported, tmp_path, monkeypatch):
    def write_another(_network, _images, path):
        shutil.copy(exported / "model.onnx", path)

    monkeypatch.setattr(onnx_graph, "write_graph", write_another)
    other = next(r["trial"] for r in api.trials("small") if r["digest"] not in _digest(exported))
    with pytest.raises(InputError, match="differs from the network"):
        api.export("small", folder=tmp_path / "out", trial=other, onnx=True)
    assert everything(tmp_path) == []


def _digest(folder):
    return read(folder / "origin.json")["digest"]


@pytest.mark.usefixtures("at_study")
def test_without_the_libraries_a_graph_is_refused_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(
        InputError, match=r"onnxscript is not installed.*kernelwarehouse-search\[onnx\]"
    ):
        api.export("small", folder=tmp_path / "out", trial=0, onnx=True)
    assert everything(tmp_path) == []


@pytest.mark.usefixtures("at_study")
def test_a_ladder_holds_the_best_under_each_size(tmp_path):
    rows = api.export_ladder("small", folder=tmp_path / "rungs", sizes="8x, 100, 1x,16x, 60k")
    assert [row["rung"] for row in rows] == ["100", "1x", "8x", "60k", "16x"]
    assert read(tmp_path / "rungs" / "ladder.json") == {"study": "small", "rungs": rows}
    done = [row for row in api.trials("small") if row["state"] == "complete"]
    for row in rows:
        under = [trial for trial in done if trial["params"] <= row["max_params"]]
        best = max(under, key=lambda trial: trial["accuracy"], default=None)
        assert row["trial"] == (best and best["trial"])
        if best:
            there = kwsearch.load(tmp_path / "rungs" / row["folder"])
            assert there.origin["trial"] == row["trial"]
    assert rows[0]["folder"] is None
    folders = [path.name for path in (tmp_path / "rungs").iterdir() if path.is_dir()]
    assert sorted(folders) == sorted({row["folder"] for row in rows if row["folder"]})
    assert len({row["trial"] for row in rows if row["folder"]}) == len(folders)


@pytest.mark.usefixtures("at_study")
def test_a_ladder_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    written = []

    def fail_late(*args, **options):
        if written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(args)
        write(*args, **options)

    write = writing._write
    monkeypatch.setattr(writing, "_write", fail_late)
    with pytest.raises(StorageError):
        api.export_ladder("small", folder=tmp_path / "rungs", sizes="1x,16x")
    assert everything(tmp_path) == []
    with pytest.raises(InputError, match="at most 10 parameters"):
        api.export_ladder("small", folder=tmp_path / "rungs", sizes="5,10")


def test_rungs_are_multiples_or_sizes():
    rungs = parse_ladder("1/4x,1/2x,1x,2x,4x,300k,1M", 1000)
    assert [(rung.name, rung.params) for rung in rungs] == [
        ("0.25x", 250),
        ("0.5x", 500),
        ("1x", 1000),
        ("2x", 2000),
        ("4x", 4000),
        ("300k", 300_000),
        ("1M", 1_000_000),
    ]


@pytest.mark.parametrize("text", ["", "1x,,2x", "x", "0x", "../x", "1x,1000", "-1x", "1/0x", "a"])
def test_what_is_no_ladder_is_refused(text):
    with pytest.raises(InputError):
        parse_ladder(text, 1000)


@pytest.mark.usefixtures("at_study")
@pytest.mark.parametrize("within", [0.0, 0.004, 0.02, 0.1, 1.0])
@pytest.mark.parametrize("limit", [None, 20_000])
def test_best_within_is_the_smallest_that_is_about_as_good(within, limit):
    best = api.best("small", max_params=limit)
    done = [row for row in api.trials("small") if row["state"] == "complete"]
    near = [
        row
        for row in done
        if row["accuracy"] >= best["accuracy"] - within - 1e-9 and row["params"] <= (limit or 10**9)
    ]
    found = api.best("small", max_params=limit, within=within)
    assert found["params"] == min(row["params"] for row in near)
    assert found["params"] <= best["params"]


@pytest.fixture
def kept(exported, at_study):
    """Weights that a study keeps of its best trial: the starting ones, every parameter raised."""
    network = kwsearch.load(exported).network(fresh=True)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    path = at_study / "runs" / "small" / "weights.safetensors"
    path.parent.mkdir(exist_ok=True)
    save_file(network.state_dict(), path)
    yield KeptFile("small/weights.safetensors", file_sha256(path), path.stat().st_size)
    path.unlink()


def _export_kept(kept, folder):
    with open_store(None, create=False, read_only=True) as store:
        study, best = store.study("small"), store.best("small", 60_000)
    return export_trial(Found(study, (), {best.number: kept}, runs_folders(None)), best, folder)


def test_kept_weights_are_exported_and_loaded(kept, tmp_path):
    folder = _export_kept(kept, tmp_path / "out")
    raised = load_file("runs/small/weights.safetensors")
    network = kwsearch.load(folder).network()
    assert raised.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(raised[name], value), name
    assert any("weights" in row["what"] for row in kwsearch.verify(folder)["checked"])
    card = (folder / "README.md").read_text()
    assert "those of the trial's short training" in card
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(re.findall(r"```python\n(.*?)```", card, re.DOTALL)[1], names)  # noqa: S102 - as above
    assert torch.equal(names["network"].conv1.weight, network.conv1.weight)


def test_kept_weights_that_are_elsewhere_are_told_and_damaged_ones_refused(
    kept, tmp_path, monkeypatch
):
    Path("runs/small/weights.safetensors").write_bytes(b"cut")
    with pytest.raises(DamagedDataError, match=r"small/weights\.safetensors"):
        _export_kept(kept, tmp_path / "out")
    assert everything(tmp_path) == []
    monkeypatch.setenv("KWSEARCH_DATABASE", str(Path("runs/kwsearch.db").resolve()))
    monkeypatch.chdir(tmp_path)
    folder = _export_kept(kept, tmp_path / "out")
    assert "were not at hand" in (folder / "README.md").read_text()
    assert not (folder / "model.safetensors").exists()
    with pytest.raises(InputError, match="holds no weights"):
        kwsearch.load(folder).network()


@pytest.mark.parametrize("beside", [".", ".."])
def test_weights_are_found_beside_the_database(kept, tmp_path, monkeypatch, beside):
    """Whoever names the database of another folder gets the weights that lie there."""
    database = Path("runs/kwsearch.db").resolve()
    monkeypatch.chdir(tmp_path)
    with open_store(str(database), create=False, read_only=True) as store:
        study, best = store.study("small"), store.best("small", 60_000)
    runs = runs_folders((database.parent / beside / "kwsearch.db").resolve())
    found = Found(study, (), {best.number: kept}, runs)
    folder = export_trial(found, best, tmp_path / "out")
    assert file_sha256(folder / "model.safetensors") == kept.sha256


@pytest.mark.usefixtures("at_study")
def test_an_export_without_weights_says_so(tmp_path):
    words = ["export", "small", "--trial", "0", "-o", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0
    assert "holds no weights" in ended.stderr
    rows = {row["what"]: row["found"] for row in api.verify(tmp_path / "out")["checked"]}
    assert rows["weights"] == "none were kept of this trial"
