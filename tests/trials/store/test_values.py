"""A measurement keeps values by name beside the quality that counts."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from search_spaces import InputError
from trials.errors import DamagedDataError
from trials.records import Measurement, Reported
from trials.store import Store, open_store
from trials.store.check import check
from trials.store.merge import merge

FURTHER = {"map50": Reported(0.6, 0.02), "latency": Reported(12.5), 'recall.a "cat"': Reported(1)}
MEASURED = Measurement(1, 0.5, 0.05, 0.7, 100, 2.0, FURTHER)


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(r) for r in store.transactions.read(lambda c: c.execute(text(sql)).all())]


def test_values_are_read_back_and_have_a_row_each_in_a_view(store: Store, driver: Any) -> None:
    """The quality is among them, by the name that the study's settings give it."""
    driver.begin(0, 1000)
    assert store.measure("study", 0, 1, MEASURED)
    assert store.measure("study", 0, 1, replace(MEASURED, epoch=3, further={}))
    (_, first), (_, second) = store.measurements("study")
    assert first == MEASURED
    assert second.further == {}
    assert rows(store, "SELECT * FROM kw_values ORDER BY epoch, name") == [
        ("study", 0, 1, "accuracy", 0.5, 0.05),
        ("study", 0, 1, "latency", 12.5, None),
        ("study", 0, 1, "map50", 0.6, 0.02),
        ("study", 0, 1, 'recall.a "cat"', 1.0, None),
        ("study", 0, 3, "accuracy", 0.5, 0.05),
    ]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"objective": {"quality": "dice"}, "proxy": {"quality": "accuracy"}}, "dice"),
        ({"task": {"function": "a:b", "quality": "map"}}, "map"),
        ({"proxy": {"quality": "macro_f1"}}, "macro_f1"),
        ({}, "accuracy"),
    ],
)
def test_the_view_names_the_quality_as_settings_of_any_age_do(
    store: Store, make_study: Any, make_driver: Any, settings: dict[str, Any], name: str
) -> None:
    driver = make_driver(store)
    store.create_study(replace(make_study(), settings=settings))
    driver.begin(0, 1000)
    store.measure("study", 0, 1, MEASURED)
    assert rows(store, "SELECT name FROM kw_values WHERE value = 0.5") == [(name,)]


def test_a_value_that_is_not_finite_is_refused(store: Store, driver: Any) -> None:
    driver.begin(0, 1000)
    for bad in (Reported(float("nan")), Reported(1.0, float("inf"))):
        with pytest.raises(InputError, match="not finite"):
            store.measure("study", 0, 1, replace(MEASURED, further={"map": bad}))
    assert store.measurements("study") == []


def test_values_go_with_a_merge(url: str, store: Store, driver: Any, tmp_path: Any) -> None:
    driver.begin(0, 1000)
    store.measure("study", 0, 1, MEASURED)
    merged = str(tmp_path / "merged.db")
    merge([url], into=merged)
    with open_store(merged) as other:
        assert other.measurements("study") == store.measurements("study")


def test_a_side_of_an_older_version_takes_no_values_away(
    url: str, store: Store, driver: Any, make_driver: Any, tmp_path: Any
) -> None:
    """The older side has more epochs, so that it says how the trial ended."""
    driver.begin(0, 1000)
    store.measure("study", 0, 1, MEASURED)
    older = str(tmp_path / "older.db")
    with open_store(older) as other:
        theirs = make_driver(other)
        theirs.create()
        theirs.begin(0, 1000)
        for epoch in (1, 3):
            other.measure("study", 0, 1, replace(MEASURED, epoch=epoch, further={}))
    merge([url], into=older)
    with open_store(older) as merged:
        assert [m.further for _, m in merged.measurements("study")] == [FURTHER, {}]


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ('{"map": [0.5]}', r"reported map = \[0.5\], which is no value"),
        ('{"map": ["high", null]}', "which is no value with its error"),
        ("[1, 2]", "has other values than pairs by name"),
        ('{"accuracy": [0.5, 0.1]}', "has accuracy twice"),
    ],
)
def test_the_checker_names_values_that_no_store_writes(
    store: Store, driver: Any, stored: str, said: str
) -> None:
    driver.begin(0, 1000)
    store.measure("study", 0, 1, MEASURED)
    assert not [fault for fault in check(store) if "epoch 1" in fault]
    change = text("UPDATE kw_measurement SET further = :stored")
    store.transactions.write(lambda c: c.execute(change, {"stored": stored}))
    found = [fault for fault in check(store) if "epoch 1" in fault]
    assert len(found) == 1
    assert re.search(said, found[0])
    if "accuracy" not in stored and stored != '{"map": [0.5]}':
        with pytest.raises(DamagedDataError):
            store.measurements("study")
