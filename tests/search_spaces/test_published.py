"""The published networks and the grid of further ones, against numbers of the authors' code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from search_spaces import Count, InputError, count, from_upstream, plan_network
from search_spaces.backbones import shipped
from search_spaces.published import KNOWN, PUBLISHED, published
from search_spaces.reference import DETECTOR_TRAINING, TRAINING, reference_rows

REFERENCE = Path(__file__).parents[1] / "reference"
PUBLISHED_NUMBERS = {
    entry["config"].removesuffix(".json"): entry
    for entry in json.loads((REFERENCE / "published.json").read_text())
}
GRID = json.loads((REFERENCE / "param_grid.json").read_text())

PLAIN_PARAMS = {
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "mobilenetv2": 3_504_872,
    "mobilenetv2-late": 3_504_872,
    "mobilenetv2-050": 1_968_680,
    "mobilenetv2-050-late": 1_968_680,
    "convnext-tiny": 28_589_128,
}


@pytest.fixture(params=sorted(PUBLISHED_NUMBERS))
def known(request: pytest.FixtureRequest) -> tuple[Count, dict[str, Any]]:
    """One published configuration as counted here, and the authors' numbers for it."""
    return count(published(request.param)), PUBLISHED_NUMBERS[request.param]


def test_every_published_configuration_is_a_preset() -> None:
    """The registry holds the published names and no others."""
    assert set(PUBLISHED) == set(PUBLISHED_NUMBERS)


def test_parameters_are_the_published_ones(known: tuple[Count, dict[str, Any]]) -> None:
    """Parameters are equal to the last one."""
    counted, numbers = known
    assert counted.params == numbers["params"]


def test_warehouses_are_the_published_ones(known: tuple[Count, dict[str, Any]]) -> None:
    """Names, cells and cell shapes of the warehouses agree, in order."""
    counted, numbers = known
    ours = [(w.name, w.cells, list(w.cell_shape)) for w in counted.warehouses]
    assert ours == [(w["name"], w["cells"], w["cell_shape"]) for w in numbers["warehouses"]]


def test_sites_are_served_as_published(known: tuple[Count, dict[str, Any]]) -> None:
    """Addresses, warehouses, mixtures and attention parameters agree, in order."""
    counted, numbers = known
    ours = [(s.address, s.warehouse, s.mixtures, s.attention_params) for s in counted.sites]
    assert ours == [
        (s["address"], s["warehouse"], s["mixtures"], s["attention_params"])
        for s in numbers["sites"]
    ]


@pytest.mark.parametrize("name", sorted(PUBLISHED_NUMBERS))
def test_tables_hold_the_published_layers(name: str) -> None:
    """Channels, kernel, groups, stride and bias of every site agree."""
    sites = shipped(published(name).backbone).sites
    ours = [(s.in_channels, s.out_channels, list(s.kernel), s.groups, s.bias) for s in sites]
    theirs = PUBLISHED_NUMBERS[name]["sites"]
    assert ours == [
        (s["in_channels"], s["out_channels"], s["kernel"], s["groups"], s["bias"]) for s in theirs
    ]
    for site, numbers in zip(sites, theirs, strict=True):
        assert site.kind == "linear" or list(site.stride) == numbers["stride"]


@pytest.mark.parametrize("name", [n for n in sorted(PUBLISHED_NUMBERS) if "convnext" not in n])
def test_module_paths_are_the_published_ones(name: str) -> None:
    """Module paths of torchvision are the authors', up to a wrapper around the classifier."""
    paths = [s.name for s in shipped(published(name).backbone).sites]
    theirs = [s["name"] for s in PUBLISHED_NUMBERS[name]["sites"]]
    assert paths == [path.removesuffix(".conv") for path in theirs]


@pytest.mark.parametrize("row", GRID, ids=lambda row: row["model"])
def test_grid_parameters_are_exact(row: dict[str, Any]) -> None:
    """Settings beyond the published ones count the same here and there."""
    assert count(from_upstream({"model": row["model"], **row["settings"]})).params == row["params"]


@pytest.mark.parametrize(("backbone", "params"), PLAIN_PARAMS.items())
def test_plain_networks_have_torchvisions_size(backbone: str, params: int) -> None:
    """Parameters of the tables are those that torchvision documents."""
    assert shipped(backbone).params == params


@pytest.mark.parametrize(
    ("backbone", "giga"), [("resnet50", 4.089), ("mobilenetv2", 0.301), ("convnext-tiny", 4.456)]
)
def test_plain_networks_have_torchvisions_macs(backbone: str, giga: float) -> None:
    """MACs at 224 pixels are those that torchvision documents, in units of 10^9."""
    assert round(shipped(backbone).macs / 1e9, 3) == giga


def test_late_sites_are_the_same_network() -> None:
    """Choosing other sites changes neither parameters nor MACs of the plain network."""
    for name in ("mobilenetv2", "mobilenetv2-050"):
        whole, late = shipped(name, 10), shipped(f"{name}-late", 10)
        assert (whole.params, whole.macs) == (late.params, late.macs)
        assert "classifier.1" in {site.name for site in late.sites}


def test_an_unpublished_name_is_refused_with_the_nearest() -> None:
    """The error names the closest published configuration."""
    with pytest.raises(InputError, match="kw1d2x_resnet50"):
        published("kw1d2_resnet50")


def test_reference_rows_cover_every_published_network() -> None:
    """Sixteen configurations and the six plain networks, each once."""
    rows = reference_rows()
    assert len(rows) == 22
    assert {row.name for row in rows if not row.plain} == set(KNOWN)
    assert [row.name for row in rows if row.plain] == [
        "resnet18",
        "resnet50",
        "mobilenetv2",
        "mobilenetv2-050",
        "convnext-tiny",
        "deit-tiny",
    ]
    assert {row.training for row in rows} == {TRAINING}


def test_printed_sizes_are_rounded_exact_ones() -> None:
    """Every printed size is the exact one to two decimals, but for the known exception."""
    rounded = {row.name: f"{row.params / 1e6:.2f}M" for row in reference_rows()}
    printed = {row.name: row.printed_params for row in reference_rows()}
    differing = {name for name, text in printed.items() if rounded[name] != text}
    assert differing == {"kw1d4x_resnet18", "deit-tiny", "kw4x_deit_tiny"}
    assert (rounded["deit-tiny"], printed["deit-tiny"]) == ("5.72M", "5M")
    assert printed["kw4x_deit_tiny"] is None


def test_deit_tiny_gains_what_the_paper_states_at_four_times_its_size() -> None:
    """4.38 points (arXiv 2406.07879, abstract), marked with both sources; 3.9 times the whole."""
    plain, served = reference_rows("deit-tiny")
    assert served.accuracy - plain.accuracy == pytest.approx(0.0438)
    assert served.params / plain.params == pytest.approx(4, rel=0.05)
    assert all("2012.12877" in row.source and "2406.07879" in row.source for row in (plain, served))
    assert reference_rows("deit-tiny-small") == ()


def test_detectors_have_the_precision_that_their_authors_print() -> None:
    """Of boxes and of masks, for the same networks; the page on detection has the same table."""
    boxes, masks = reference_rows(quality="map"), reference_rows(quality="mask_map")
    assert [row.name for row in boxes] == [row.name for row in masks]
    assert len(boxes) == 8
    assert all(b.accuracy > m.accuracy for b, m in zip(boxes, masks, strict=True))
    assert {row.training for row in boxes} == {DETECTOR_TRAINING}
    page = (Path(__file__).parents[2] / "docs" / "detection.md").read_text()
    printed = set(re.findall(r"(\d\d\.\d) / (\d\d\.\d)", page))
    assert printed == {
        (f"{100 * b.accuracy:.1f}", f"{100 * m.accuracy:.1f}")
        for b, m in zip(boxes, masks, strict=True)
    }
    for family in ("resnet50", "mobilenetv2", "convnext-tiny"):
        rows = sorted(reference_rows(family, "map"), key=lambda row: row.accuracy)
        assert rows[0].plain
        assert rows == sorted(rows, key=lambda row: row.params)


def test_other_qualities_have_no_published_results() -> None:
    """On ImageNet each class has as many images, so balanced accuracy is accuracy."""
    assert reference_rows("resnet50", "map50") == reference_rows("resnet18", "map") == ()
    assert reference_rows("resnet50", "macro_f1") == ()
    assert reference_rows("resnet50", "balanced_accuracy") == reference_rows("resnet50")


def test_accuracy_grows_with_size_within_a_family() -> None:
    """Among the warehouse networks of one family, more parameters are more accurate."""
    for family in ("resnet18", "resnet50", "mobilenetv2", "mobilenetv2-050"):
        rows = sorted((r for r in reference_rows(family) if not r.plain), key=lambda r: r.params)
        accuracies = [row.accuracy for row in rows]
        assert accuracies == sorted(accuracies)
        assert all(0.5 < accuracy < 1 for accuracy in accuracies)


def test_late_sites_meet_the_rows_of_their_network() -> None:
    """A search over the late sites compares with the same published results."""
    assert reference_rows("mobilenetv2-late") == reference_rows("mobilenetv2")
    assert reference_rows("resnet20") == ()


@pytest.mark.parametrize(
    ("name", "percent"), [("kw1d2x_resnet18", 36.45), ("kw1d4x_resnet18", 65.10)]
)
def test_headline_reductions_are_the_papers(name: str, percent: float) -> None:
    """The two networks lie below ResNet-18 by the shares the paper states (from printed sizes)."""
    row = next(row for row in reference_rows("resnet18") if row.name == name)
    printed = float(row.printed_params.removesuffix("M"))
    assert 100 * (1 - printed / 11.69) == pytest.approx(percent, abs=0.02)


def test_presets_plan_the_same_network_as_upstreams_settings() -> None:
    """A preset and the settings file of that name have one digest."""
    for name, numbers in PUBLISHED_NUMBERS.items():
        read = from_upstream({"model": numbers["model"], **numbers["settings"]})
        assert plan_network(read).digest == plan_network(published(name)).digest
