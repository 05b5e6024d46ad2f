"""Recorded tables: networks of a finite space with all measurements, to replay searches."""

from trials.table.parquet import read_table, write_table
from trials.table.records import Candidate, Facts, PlainNetwork, Table, incompatible

__all__ = [
    "Candidate",
    "Facts",
    "PlainNetwork",
    "Table",
    "incompatible",
    "read_table",
    "write_table",
]
