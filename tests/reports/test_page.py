"""The page: whole or not at all, stored text stays text, nothing runs but its own scripts."""

import base64
import hashlib
import html
import json
import re
from dataclasses import replace

import pytest

from reports import tables
from reports.figures.agreement import agreement_info
from reports.page import refresh, render, write_page
from reports.palette import DARK, LIGHT
from reports.sentences import pays as sentence
from search_spaces.reference import reference_rows
from trials.errors import StorageError
from trials.records import TrialState

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(summary):
    return render(summary, study_file=f"# {EVIL} & more\n")


def scripts(page):
    """Attributes and text of every script element, read as a browser does."""
    return re.findall(r"<script\b([^>]*)>(.*?)</script>", page, re.DOTALL)


def test_only_scripts_whose_hash_is_in_the_policy_are_there(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    policy = policy.replace("&#39;", "'")
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy.split("script-src")[1].split(";")[0]
    running = [text for attributes, text in scripts(page) if "type=" not in attributes]
    assert len(running) == 1
    digest = base64.b64encode(hashlib.sha256(running[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy


def test_a_failure_with_html_in_it_is_escaped_wherever_it_stands(summary, page):
    assert EVIL in summary.by_number[0].detail
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    data = json.loads(dict(scripts(page))[' type="application/json" id="data"'])
    assert EVIL in data["trials"]["detail"][0]


def test_a_live_page_is_told_what_the_written_page_says(summary):
    fresh = json.loads(refresh(summary))
    written = render(summary, revision="first")
    assert {name for name, part in fresh["parts"].items() if part not in written} == set()
    data = json.loads(dict(scripts(written))[' type="application/json" id="data"'])
    assert data == {**fresh["data"], "revision": "first"}
    assert written.count("data-part=") == len(fresh["parts"])


def test_networks_that_cannot_be_told_apart_are_said_to_be_so(summary, page):
    """Both questions about what matters are answered so, where one accuracy fits all networks."""
    measurements = {
        number: tuple(replace(m, accuracy=0.9) for m in curve)
        for number, curve in summary.measurements.items()
    }
    same = render(replace(summary, measurements=measurements))
    text = " ".join(re.sub(r"<[^>]*>", " ", same).split())
    trials = len(measurements)
    within = f"cannot be told apart: the {trials} networks lie within their errors (p = 1)"
    assert f"By accuracy after 1 epoch, networks {within}" in text
    assert "What order they have is luck." in text
    assert "lie within their errors" not in page


def test_only_a_live_page_may_ask_and_only_its_own_server(summary, page):
    assert "connect-src" not in page
    assert "connect-src &#39;self&#39;;" in render(summary, revision="first")


def test_html_in_a_choice_is_escaped_in_what_a_live_page_puts_in_place(summary):
    def evil(record):
        return replace(record, values={**record.values, "sharing_range": EVIL})

    bad = replace(summary, trials=tuple(evil(record) for record in summary.trials))
    fresh = json.loads(refresh(bad))
    assert not any(EVIL in part for part in fresh["parts"].values())
    assert "&lt;script&gt;alert(1)" in fresh["parts"]["members"]
    assert fresh["data"]["trials"]["values"]["sharing_range"][0] == EVIL


def test_the_page_is_small_and_names_no_address_to_fetch_from(page):
    assert len(page) < 6_000_000
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""", page)


def test_the_page_says_whether_it_pays_and_follows_a_live_search(summary, page):
    said = html.escape(sentence(summary.payoff))
    assert said in page
    assert said in json.loads(refresh(summary))["parts"]["top"]


def test_a_study_without_baselines_says_so_on_its_page(summary):
    assert "measures no plain network" in render(replace(summary, baselines=()))


def test_its_data_are_those_of_the_study(summary, page):
    data = json.loads(dict(scripts(page))[' type="application/json" id="data"'])
    assert data["trials"]["params"] == [t.trial.params for t in summary.trials]
    assert data["front"] == [t.number for t in summary.front]
    assert data["budget"] == [summary.front[0].trial.params, 200_000]


@pytest.mark.parametrize("study", ["empty", "wide"])
def test_every_study_has_a_page(request, study):
    text = render(request.getfixturevalue(study))
    assert ("full training on ImageNet" in text) == (study == "wide")


def test_a_page_is_written_whole_or_not_at_all(summary, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("older", encoding="utf-8")

    def full(_):
        raise OSError(28, "No space left")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StorageError, match=r"page\.html"):
            write_page(summary, path)
    assert path.read_text(encoding="utf-8") == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]
    assert write_page(summary, path).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_headline_names_the_best_of_the_front(summary, empty):
    best = summary.front[-1]
    assert f"{best.trial.params:,} parameters" in tables.headline(summary)
    assert tables.headline(empty).startswith("No trial has reached the top rung yet")
    unfinished = replace(summary.study, states={TrialState.COMPLETE: 3})
    assert "3 of 40 trials" in tables.headline(replace(summary, study=unfinished))


def test_costs_add_up_and_stopping_has_saved_something(summary):
    *rows, whole = tables.costs(summary)
    assert sum(int(row[1]) for row in rows) == int(whole[1]) == 40
    assert sum(int(row[2]) for row in rows) == int(whole[2]) == summary.study.epochs
    assert f"360 epochs; they took {summary.study.epochs}" in tables.saved(summary)


def test_taus_have_a_line_for_all_sizes_and_one_a_band(summary):
    lines = list(tables.taus(agreement_info(summary)))
    assert [name for name, _ in lines][:2] == ["All sizes", "10.0k to 21.1k"]
    assert all(len(cells) == 2 for _, cells in lines)
    assert len(lines) == 5


def test_a_command_names_a_database_that_is_not_the_usual_one(summary):
    def option(database):
        return tables.database_option(replace(summary, database=database))

    assert option("runs/kwsearch.db") == ""
    assert option("postgresql://me@host/db") == ""
    assert option("my studies/a.db") == " --database 'my studies/a.db'"


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("role", ["ink", "muted", "accent", "failed", "reference"])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_text_has_the_contrast_that_wcag_asks_for(palette, role, ground):
    one, other = sorted((luminance(palette[role]), luminance(palette[ground])))
    assert (other + 0.05) / (one + 0.05) >= 4.5
    assert LIGHT.keys() == DARK.keys()


def test_a_page_of_detection_speaks_of_average_precision(summary):
    """In titles, heads of tables and notes; and it shows what was published of detectors."""
    settings = {
        **summary.settings,
        "task": {"kind": "detection", "data": "canvas"},
        "objective": {"quality": "map", "cost": "macs"},
    }
    spec = replace(summary.study.spec, settings=settings)
    published = reference_rows("resnet50", "map")
    other = replace(summary, study=replace(summary.study, spec=spec), references=published)
    page = render(other)
    text = html.unescape(re.sub(r"<script.*?</script>|<[^>]*>", " ", page, flags=re.DOTALL))
    assert "Average precision against MACs" in text
    assert "average precision (map) against MACs" in text
    assert "Diamonds are published results of Mask R-CNN on MS-COCO, 1x schedule." in text
    assert "accuracy" not in text.lower()
    data = json.loads(dict(scripts(page))[' type="application/json" id="data"'])
    assert data["quality"] == "Average precision"
