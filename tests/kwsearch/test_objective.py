"""What trials are compared by is told in one section; files and studies of before are read."""

import pytest

from kwsearch.settings import as_stored, from_plain, to_plain
from search_spaces import InputError
from trials.tasks.contract import quality_of

SPACE = {"space": {"backbone": "resnet8"}}
OWN = {"function": "mine:measure", "input": [1, 8, 8], "outputs": 10}


@pytest.mark.parametrize(
    ("sections", "name"),
    [
        ({}, "accuracy"),
        ({"task": OWN}, "accuracy"),
        ({"objective": {"quality": "macro_f1"}}, "macro_f1"),
        ({"proxy": {"quality": "macro_f1"}}, "macro_f1"),
        ({"task": OWN, "objective": {"quality": "dice"}}, "dice"),
        ({"task": {**OWN, "quality": "dice"}}, "dice"),
        ({"task": {**OWN, "quality": None}, "objective": {"quality": "dice"}}, "dice"),
        ({"proxy": {"quality": "macro_f1"}, "objective": {"quality": "macro_f1"}}, "macro_f1"),
    ],
)
def test_every_way_of_saying_it_ends_in_one_place(sections, name):
    settings = from_plain({**SPACE, **sections})
    assert settings.quality == name
    plain = to_plain(settings)
    assert plain["objective"]["quality"] == name == quality_of(plain)
    assert all("quality" not in plain.get(section, {}) for section in ("proxy", "task"))
    assert from_plain(plain) == settings


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"objective": {"quality": "macro_f"}}, "Did you mean 'macro_f1'"),
        ({"proxy": {"quality": "dice"}}, "none of accuracy, balanced_accuracy, macro_f1"),
        (
            {"proxy": {"quality": "macro_f1"}, "objective": {"quality": "accuracy"}},
            r"'macro_f1' under \[proxy\] and 'accuracy' under \[objective\]",
        ),
        ({"task": OWN, "objective": {"quality": "two words"}}, "cannot be the name of a quality"),
    ],
)
def test_what_cannot_be_is_refused(sections, said):
    with pytest.raises(InputError, match=said):
        from_plain({**SPACE, **sections})


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ({"proxy": {"data": "digits"}}, "accuracy"),
        ({"proxy": {"data": "digits", "quality": "macro_f1"}}, "macro_f1"),
        ({"task": {"function": "a:b", "quality": "dice"}}, "dice"),
    ],
)
def test_a_study_of_before_says_what_it_was_compared_by(stored, name):
    assert quality_of(stored) == name
    assert as_stored(stored)["objective"]["quality"] == name
