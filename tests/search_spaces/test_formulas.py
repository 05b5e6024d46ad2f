"""One set of formulas counts one configuration and columns of them, integer by integer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import formulas
from search_spaces.backbones import shipped

SIZES = ("mixtures", "cells", "hidden", "local", "basis")
SITES = shipped("resnet18").sites
ROW = st.tuples(*[st.integers(0, 5000)] * len(SIZES))


def attention(channels, bias, values):
    return formulas.Attention(
        channels=channels, linear_bias=bias, **dict(zip(SIZES, values, strict=True))
    )


@given(st.integers(1, 2048), st.booleans(), st.lists(ROW, min_size=1, max_size=20))
def test_a_column_has_the_numbers_of_its_rows(channels, bias, rows):
    columns = attention(channels, bias, np.array(rows, dtype=np.int64).T)
    one_by_one = [attention(channels, bias, row) for row in rows]
    assert columns.params.tolist() == [one.params for one in one_by_one]
    assert columns.macs.tolist() == [one.macs for one in one_by_one]


@given(st.integers(1, 512), st.integers(1, 512), st.booleans(), st.sampled_from(SITES))
def test_kernels_are_cut_alike(cell_out, cell_in, spatial, site):
    kernel = (1, 1) if spatial else site.kernel
    pair = np.array([cell_out, cell_out]), np.array([cell_in, cell_in])
    whole = formulas.cut(site, cell_out, cell_in, kernel)
    column = formulas.cut(site, *pair, kernel)
    assert [np.broadcast_to(part, 2).tolist() for part in column] == [[n, n] for n in whole]


@given(st.integers(0, 2**62), st.integers(1, 64))
def test_bounds_hold_for_both_kinds(value, least):
    assert formulas.at_least(value, least) == max(value, least)
    assert formulas.at_least(np.array([value]), least).tolist() == [max(value, least)]


def test_integers_are_exact_beyond_64_bits():
    """The count of an attention by its layers: weights and biases of each."""
    big = 10**30
    counted = attention(7, bias=True, values=(3, 5 * big, big, 2 * big, 11))
    first, norm = 7 * big + big, 2 * big
    second = big * (2 * big + 11 + 1) * 3
    last = 11 * (5 * big - 2 * big)
    assert counted.params == first + norm + second + last + (5 * big + 1) * 3
    assert counted.macs == 7 * big + second + 3 * last


def test_reaching_every_cell_directly_is_one_linear():
    """Without a basis: hidden -> (cells + 1) logits for each mixture, with a bias."""
    counted = attention(64, bias=False, values=(9, 20, 16, 20, 0))
    assert counted.params == 64 * 16 + 2 * 16 + (16 + 1) * 9 * 21
    assert counted.macs == 64 * 16 + 16 * 9 * 21
