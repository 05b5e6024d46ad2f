"""Data reaches standard output exactly for programs, readably and harmlessly for people."""

import csv
import io
import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kwsearch.output import Form, cell, escape, show_error, show_record, show_rows
from search_spaces.errors import InputError, KwsearchError
from trials.records import TrialState

ROWS = [
    {"trial": 3, "params": 123_456, "accuracy": 0.91234567, "config": {"b": 0.5, "range": "layer"}},
    {"trial": 7, "params": 7_400_000, "accuracy": None, "config": {"b": 2.0, "range": "layer"}},
]
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES |= st.text()
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_table_rounds_for_people(capsys):
    show_rows(ROWS)
    text = capsys.readouterr().out
    assert "123k" in text
    assert "7.40M" in text
    assert "0.9123 " in text
    assert "0.91234567" not in text


def test_a_table_shows_settings_where_they_differ(capsys):
    show_rows(ROWS, hide=["accuracy"])
    header = capsys.readouterr().out.splitlines()[1].split()
    assert header == ["trial", "params", "b"]


def test_a_table_is_not_folded_outside_a_terminal(capsys):
    show_rows([{"a": "x" * 500, "b": "y" * 500}])
    text = capsys.readouterr().out
    assert "x" * 500 in text
    assert "y" * 500 in text
    assert "\x1b" not in text


def test_json_is_exact(capsys):
    show_rows(ROWS, Form.JSON)
    assert json.loads(capsys.readouterr().out) == ROWS


@SHARED
@given(st.lists(st.fixed_dictionaries({"a": VALUES, "b": st.lists(VALUES)})))
def test_json_is_read_back(capsys, rows):
    capsys.readouterr()
    show_rows(rows, Form.JSON)
    text = capsys.readouterr().out
    assert set(text) <= {"\n", *map(chr, range(32, 127))}
    assert json.loads(text) == rows


def test_what_is_no_number_in_json_is_null(capsys):
    show_rows([{"a": float("nan"), "b": float("inf")}], Form.JSON)
    assert json.loads(capsys.readouterr().out) == [{"a": None, "b": None}]


def test_types_beyond_json_have_plain_forms(capsys):
    when = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
    show_record({"at": when, "state": TrialState.COMPLETE, "in": Path("runs/x")}, Form.JSON)
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-11-24T05:30:00+00:00",
        "state": "complete",
        "in": "runs/x",
    }


def test_csv_is_exact_and_reads_back(capsys):
    show_rows(ROWS, Form.CSV)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [int(row["params"]) for row in rows] == [123_456, 7_400_000]
    assert [row["accuracy"] for row in rows] == ["0.91234567", ""]
    assert [json.loads(row["config"])["b"] for row in rows] == [0.5, 2.0]


@SHARED
@example("\r=cmd()")
@example("x\n=cmd()")
@given(st.text(min_size=1))
def test_no_csv_cell_is_a_formula_or_leaves_its_row(capsys, text):
    capsys.readouterr()
    show_rows([{"name": text}, {"name": f"={text}"}, {"name": f"@{text}"}], Form.CSV)
    written = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert written[0] == ["name"]
    assert len(written) == 4
    for (name,) in written[1:]:
        assert name[0] not in "=+-@\t\r"
        assert not {unicodedata.category(char) for char in name} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_negative_number_stays_a_number_in_csv(capsys):
    show_rows([{"relative": -0.25}], Form.CSV)
    assert capsys.readouterr().out == "relative\n-0.25\n"


@given(st.text(), st.sampled_from(["\x1b[2J", "\x9b31m", "\u202e", "\r", "\u2028", "\x00"]))
def test_printed_text_steers_no_terminal(text, attack):
    for printed in (escape(text + attack), cell("name", text + attack), cell("names", [attack])):
        assert not {unicodedata.category(char) for char in printed} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert cell("cause", "[red]x[/red]") == "[red]x[/red]"


def test_markup_is_text(capsys):
    show_rows([{"[bold]key": "[red]value"}])
    show_record({"[bold]key": "[red]value", "[bold]rows": [{"a": "[red]b"}]})
    text = capsys.readouterr().out
    assert text.count("[bold]key") == 2
    assert text.count("[red]value") == 2
    assert "[bold]rows" in text
    assert "[red]b" in text


def test_a_record_shows_what_is_inside_it(capsys):
    show_record({"params": 1_500_000, "refused": {"known": 3}, "sites": [{"site": "conv1"}]})
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[:3] == [["params", "1.50M"], ["refused.known", "3"], ["sites"]]
    assert lines[-1] == ["conv1"]


def test_a_record_in_csv_is_one_row(capsys):
    show_record({"params": 1_500_000, "refused": {"known": 3}, "sites": [{"s": 1}]}, Form.CSV)
    assert capsys.readouterr().out == "params,refused.known\n1500000,3\n"


def test_nothing_is_an_empty_list_for_programs_and_a_word_for_people(capsys):
    show_rows([], Form.JSON)
    assert json.loads(capsys.readouterr().out) == []
    show_rows([], Form.CSV)
    assert capsys.readouterr().out == ""
    show_rows([], empty="No study yet.")
    assert capsys.readouterr() == ("", "No study yet.\n")


def test_an_error_is_a_line_of_cause_and_a_line_of_cure(capsys):
    show_error(InputError("a\x1b is wrong.\nb is wrong.", "Do c."))
    assert capsys.readouterr() == ("", "error: a\\x1b is wrong.\nerror: b is wrong.\nDo c.\n")
    show_error(KwsearchError("a is wrong."))
    assert capsys.readouterr().err == "error: a is wrong.\n"


@pytest.mark.parametrize(
    ("key", "value", "printed"),
    [
        ("params", None, ""),
        ("params", 1234, "1.23k"),
        ("attention_macs", 2_000_000, "2.00M"),
        ("seed", 123456, "123456"),
        ("knee", True, "yes"),
        ("ratios", [0.5, 1.0], "0.5, 1"),
        ("at", datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02 03:04:05+00:00"),
    ],
)
def test_cells_are_read_by_people(key, value, printed):
    assert cell(key, value) == printed


def test_a_sharing_range_is_shown_by_the_word_of_the_study_file():
    assert cell("sharing_range", []) == "none"
    assert cell("sharing_range", ["layer", "conv", "pwconv", "dwconv"]) == "stage"
    assert cell("sharing_range", ["layer", "conv"]) == "layer, conv"


def test_a_row_without_a_mapping_adds_no_columns(capsys):
    """Only entries that differ between the rows that have them are shown."""
    rows = [{"a": 1, "config": {"x": 1, "y": 2}}, {"a": 2, "config": {"x": 3, "y": 2}}]
    show_rows([*rows, {"a": 3, "config": None}])
    head = capsys.readouterr().out.split("─")[0].split()
    assert head == ["a", "x"]
