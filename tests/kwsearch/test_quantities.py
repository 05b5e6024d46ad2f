"""Quantities and ratios are read exactly, and printed so that they can be read back."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kwsearch.quantities import (
    LARGEST,
    format_quantity,
    parse_points,
    parse_quantity,
    parse_ratio,
)
from search_spaces.errors import InputError


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("6M", 6_000_000),
        ("300k", 300_000),
        ("300K", 300_000),
        ("1.5e6", 1_500_000),
        ("1.1M", 1_100_000),
        ("7.4 M", 7_400_000),
        ("7_400_000", 7_400_000),
        ("2G", 2 * 10**9),
        ("2b", 2 * 10**9),
        ("0.001k", 1),
        (20_000, 20_000),
    ],
)
def test_quantities_are_read_as_people_write_them(text: str | int, number: int) -> None:
    assert parse_quantity(text) == number


NOT_QUANTITIES = """M,6MM,-3,0,0k,1.5,1.0005k,nan,inf,1e400,1e9999,1e99999,6 000,٣M,0x10,1/2,_1"""


@pytest.mark.parametrize(
    "text", ["", *NOT_QUANTITIES.split(","), "9" * 5000, "1" * 39 + "T", 0, -1]
)
def test_nonsense_is_refused_with_the_rule(text: str | int) -> None:
    refuse(text)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_python_would_not_print_is_refused(sign: int) -> None:
    refuse(sign * 10**5000)


def refuse(text: str | int) -> None:
    with pytest.raises(InputError) as refusal:
        parse_quantity(text)
    assert refusal.value.cause
    assert refusal.value.cure
    assert len(str(refusal.value)) < 200


@given(st.integers(1, LARGEST))
def test_a_plain_number_is_read_exactly(number: int) -> None:
    assert parse_quantity(number) == parse_quantity(str(number)) == number
    assert parse_quantity(f"{number:_}") == number


@given(st.integers(1, LARGEST // 2))
@example(99_950)
@example(999_949)
def test_what_is_printed_is_read_back_within_half_a_unit_of_the_third_digit(number: int) -> None:
    printed = format_quantity(number)
    assert abs(parse_quantity(printed) - number) <= number * 0.00501
    assert len(printed) <= len("1.23M")


@pytest.mark.parametrize(
    ("number", "printed"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (999_499, "999k"),
        (999_600, "1.00M"),
        (12_345_678, "12.3M"),
        (6_000_000, "6.00M"),
        (1.5e12, "1.50T"),
        (0.25, "0.25"),
    ],
)
def test_three_significant_digits_are_printed(number: float, printed: str) -> None:
    assert format_quantity(number) == printed


@given(st.integers(1, 999), st.integers(1, 999))
def test_a_fraction_is_the_ratio_it_says(top: int, bottom: int) -> None:
    assert parse_ratio(f"{top}/{bottom}") == float(Fraction(top, bottom))


@given(st.floats(1e-300, 1e15))
def test_a_number_is_its_own_ratio(ratio: float) -> None:
    assert parse_ratio(ratio) == ratio


@pytest.mark.parametrize(
    "text",
    ["1/0", "0/4", "-1/4", "", "1/", "nan", float("nan"), float("inf"), 0, -0.5, "1e999", "a"],
)
def test_what_is_no_positive_ratio_is_refused(text: str | float) -> None:
    with pytest.raises(InputError, match="not a positive ratio"):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("text", "share"),
    [("0.5%", 0.005), ("1 %", 0.01), ("0%", 0.0), ("100%", 1.0), ("0.1%", 0.001)],
)
def test_percentage_points_are_read_as_a_share(text: str, share: float) -> None:
    assert parse_points(text) == share


@pytest.mark.parametrize("text", ["0.5", "0.005", "-1%", "101%", "%", "nan%", "1e2%", "", "5%%"])
def test_points_need_their_sign_and_end_at_100(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.5%"):
        parse_points(text)
