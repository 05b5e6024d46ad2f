"""The questions of the database's page are answered by both databases, as the store answers."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from trials.records import Baseline, Outcome, Role, TrialState

PAGE = Path(__file__).parents[3] / "docs" / "queries.sql"


@pytest.fixture
def answers(url, driver, make_driver, make_front, make_measurement):
    """The rows of each query on a database of two studies, in the page's order."""
    store = driver.store
    driver.complete(0, 1000, 0.5, make_front((0,), 0.25))
    driver.complete(1, 200_000, 0.9, make_front((0, 1), 0.5))
    driver.begin(2, 3000)
    driver.finish(2, TrialState.FAILED)
    other = make_driver(store, "other")
    other.create()
    other.complete(0, 2000, 0.75)
    table, audited = store.study("other").spec.backbone, store.trial("other", 0).trial
    size = {"params": audited.params, "macs": audited.macs, "seed": 7}
    audit = Baseline("other", 0, Role.AUDIT, table, **size, repeats=audited, schedule_epochs=27)
    store.add_baselines("other", [audit])
    store.hand_out_baseline("other", 0)
    store.measure_baseline("other", 0, 1, make_measurement(27, 0.875))
    store.finish_baseline("other", 0, Outcome(TrialState.COMPLETE))
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = [
            [tuple(row) for row in connection.execute(text(query))]
            for query in PAGE.read_text(encoding="utf-8").strip().split("\n\n")
        ]
    engine.dispose()
    return found


def test_every_question_of_the_page_is_answered(answers):
    studies, front, best, curves, costs, history, known, audits, values = answers
    assert studies == [("other", 20, 1, 0, 0, 0), ("study", 20, 2, 0, 1, 0)]
    assert front == [("study", 0, 1000, 0.5, 0.05), ("study", 1, 200_000, 0.9, 0.05)]
    assert best == [("other", 0, 2000, 0.75), ("study", 0, 1000, 0.5)]
    assert [row[:4] for row in curves[:2]] == [("other", 0, 1, 0.75), ("other", 0, 3, 0.75)]
    assert len(curves) == 9
    assert [row[:4] for row in costs] == [
        ("other", "complete", 1, 9),
        ("study", "complete", 2, 18),
        ("study", "failed", 1, 0),
    ]
    assert [row[:4] for row in history] == [("study", 0, 0, 0.25), ("study", 1, 1, 0.5)]
    assert [row[1:] for row in known] == [(2, 1000, 0.75)]
    assert audits == [("other", 0, 2000, 9, 0.75, 27, 0.875)]
    assert len(values) == len(curves) == 9
    assert values[0] == ("other", 0, 1, "accuracy", 0.75, 0.05)
