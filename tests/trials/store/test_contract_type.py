"""`Store` is the whole of what a search, a report or a command may ask of a database."""

import inspect

from trials.store import SqlStore, Store


def interface(kind: type) -> dict[str, object]:
    """Public attributes of a class."""
    return {n: v for n, v in inspect.getmembers_static(kind) if not n.startswith("_")}


def test_the_type_has_every_method_of_a_sql_store():
    """Nothing that is not in the contract can be called on a store."""
    assert set(interface(SqlStore)) == set(interface(Store))


def test_a_sql_store_leaves_no_method_of_the_type_out():
    """A method inherited from the protocol would do nothing."""
    ours, theirs = interface(SqlStore), interface(Store)
    assert theirs
    assert [name for name in theirs if ours[name] is theirs[name]] == []


def test_every_method_takes_what_the_type_says():
    """Names, order and defaults of parameters."""
    ours, theirs = interface(SqlStore), interface(Store)
    methods = [name for name, value in theirs.items() if inspect.isfunction(value)]
    assert len(methods) > 20
    for name in methods:
        assert inspect.signature(ours[name]) == inspect.signature(theirs[name]), name
