"""Recorded tables: what is written is read, and nothing else passes for a table."""

from dataclasses import replace
from itertools import product

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from search_spaces import InputError, NetworkConfig, count
from search_spaces.backbones import shipped
from search_spaces.config import SHARING_RANGES
from trials.area import Area, Point
from trials.errors import DamagedDataError
from trials.records import Measurement
from trials.shares import standard_error
from trials.table import Facts, PlainNetwork, Table, incompatible, read_table, write_table
from trials.table.parquet import candidate

BACKBONE = shipped("resnet8x0.5", 10, 1, (8, 8))
SPACE = {"cell_num_ratio": [0.5, 2.0]}
PROXY = {"data": "digits", "epochs": [1, 2, 3], "batch_size": 32, "way": "auto"}
RECIPE = {"epochs": 3, "batch_size": 32}


def curve(accuracy, epochs=3):
    """Accuracy climbs to its last value in steps of a hundredth."""
    return tuple(
        Measurement(
            epoch,
            accuracy - (epochs - epoch) / 100,
            standard_error(accuracy - (epochs - epoch) / 100, 599),
            1 - accuracy,
            599,
            epoch * 0.5,
        )
        for epoch in range(1, epochs + 1)
    )


def table():
    """Eight networks, half of them from two seeds, and a plain one."""
    facts = Facts(
        study={"space": SPACE, "proxy": PROXY},
        backbone=BACKBONE,
        recipe=RECIPE,
        images="0" * 64,
        training=1,
        area=Area(5_000, 200_000, 0.5),
        networks=12,
        failed=1,
        made_with={"torch": "2.14.1"},
    )
    made = []
    for place, (ratio, cell, sharing) in enumerate(
        product((0.5, 2.0), (0.5, 1.0), ("none", "stage"))
    ):
        config = NetworkConfig(
            backbone=BACKBONE.name,
            num_classes=10,
            in_channels=1,
            cell_num_ratio=ratio,
            cell_inplane_ratio=cell,
            sharing_range=SHARING_RANGES[sharing],
        )
        curves = {0: curve(0.6 + place / 30)}
        if place % 2:
            curves[1] = curve(0.7 - place / 50)
        made.append(candidate(config, BACKBONE, curves))
    plain = PlainNetwork(
        BACKBONE.name, BACKBONE.digest, BACKBONE.params, BACKBONE.macs, {0: curve(0.8)}
    )
    ordered = sorted(made, key=lambda one: (one.params, one.digest))
    return Table(facts, tuple(ordered), (plain,))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.parquet"
    write_table(table(), path)
    return path


def rewritten(file, change):
    """The file with rows changed, its metadata kept."""
    read = pq.read_table(file)
    rows = change(read.to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, schema=read.schema), file)
    return file


def test_a_table_reads_back_as_it_was_written(file):
    assert read_table(file) == table()


def test_a_table_written_twice_is_the_same_file(file, tmp_path):
    write_table(read_table(file), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == file.read_bytes()


def test_the_best_hypervolume_is_that_of_all_networks_of_the_seed():
    own = table()
    for seed in own.seeds:
        points = [
            Point.of(count(one.config, BACKBONE).params, one.curves[seed][-1].accuracy, place)
            for place, one in enumerate(own.of_seed(seed))
        ]
        assert own.best_hypervolume(seed) == own.facts.area.hypervolume(points) > 0
    one = own.of_seed(0)[0]
    alone = own.facts.area.hypervolume([Point.of(one.params, one.curves[0][-1].accuracy, 0)])
    assert own.best_hypervolume(0, among=[one.digest]) == alone


def test_seeds_are_those_of_the_curves():
    own = table()
    assert own.seeds == (0, 1)
    assert len(own.of_seed(0)) == 8
    assert len(own.of_seed(1)) == 4


def test_a_torn_file_is_refused_with_a_sentence(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DamagedDataError, match="cannot be read as Parquet"):
        read_table(file)


def test_a_file_with_a_changed_byte_is_refused(file):
    whole = bytearray(file.read_bytes())
    for place in range(200, len(whole) // 2, 997):
        whole[place] ^= 0xFF
    file.write_bytes(bytes(whole))
    with pytest.raises(DamagedDataError, match="Fetch or record the table again"):
        read_table(file)


def test_a_training_that_lacks_an_epoch_is_refused(file):
    with pytest.raises(DamagedDataError, match="has not every epoch up to 3 once"):
        read_table(rewritten(file, lambda rows: rows[:-1]))


def test_counts_that_are_not_those_of_the_configuration_are_refused(file):
    def smaller(rows):
        return [row | ({"params": row["params"] - 1} if row["config"] else {}) for row in rows]

    with pytest.raises(DamagedDataError, match=r"params .* is not that of"):
        read_table(rewritten(file, smaller))


def test_an_accuracy_above_one_is_refused(file):
    with pytest.raises(DamagedDataError, match="measures nothing"):
        read_table(rewritten(file, lambda rows: [row | {"accuracy": 1.5} for row in rows]))


def test_another_parquet_file_is_no_table(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="is no recorded table"):
        read_table(tmp_path / "other.parquet")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*none\.parquet"):
        read_table(tmp_path / "none.parquet")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"proxy": PROXY | {"batch_size": 64}}, "batch_size is 64, not 32"),
        ({"proxy": PROXY | {"data": "svhn"}}, "data is 'svhn', not 'digits'"),
        ({"recipe": RECIPE | {"epochs": 2}}, "epochs of the recipe is 2, not 3"),
        (
            {"backbone": shipped("resnet8", 10, 1, (8, 8))},
            "the backbone is not resnet8x0.5 for images of 8 x 8 pixels",
        ),
    ],
)
def test_another_training_is_told_by_what_differs(changes, said):
    own = {"proxy": PROXY, "recipe": RECIPE, "backbone": BACKBONE}
    assert incompatible(table().facts, **own) == []
    assert incompatible(table().facts, **own | changes) == [said]


def test_rungs_way_and_places_of_files_make_no_other_training():
    other = PROXY | {"epochs": [1, 3], "way": "textbook", "folder": "elsewhere"}
    assert incompatible(table().facts, proxy=other, recipe=RECIPE, backbone=BACKBONE) == []


def test_facts_name_a_later_format(file):
    read = pq.read_table(file)
    metadata = read.schema.metadata
    later = {key: value.replace(b'"format": 1', b'"format": 2') for key, value in metadata.items()}
    pq.write_table(read.replace_schema_metadata(later), file)
    with pytest.raises(InputError, match="format 2, this version reads up to 1"):
        read_table(file)


def test_order_of_writing_does_not_matter(tmp_path, file):
    own = table()
    write_table(replace(own, candidates=own.candidates[::-1]), tmp_path / "other.parquet")
    assert read_table(tmp_path / "other.parquet") == read_table(file)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b'"area": [', b'"area": [1, '),
        (b'"study": {"space"', b'"study": {"place"'),
        (b'"space": {', b'"space": 1, "other": {'),
        (b'"recipe": {"epochs": 3', b'"recipe": {"epochs": "3"'),
        (b'"backbone": {', b'"backbone": [], "other": {'),
        (b'"format": 1', b'"format": ' + b"[" * 100_000),
    ],
)
def test_metadata_of_another_shape_are_said_to_be_damaged(file, written, instead):
    read = pq.read_table(file)
    (key, value), *_ = read.schema.metadata.items()
    assert written in value
    pq.write_table(read.replace_schema_metadata({key: value.replace(written, instead)}), file)
    with pytest.raises(DamagedDataError, match=r"Fetch or record the table again"):
        read_table(file)
