"""Packed scores, and branches compared, as pure functions."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.points.rules import packing
from api.points.rules.boards import BANDS, Figures, Method, band, band_heads, value
from api.points.rules.packing import GROUPS, PEOPLE, Packing

PACKINGS = st.sampled_from([PEOPLE, GROUPS])


@st.composite
def a_score(draw: st.DrawFn, kind: Packing) -> tuple[int, int]:
    points = draw(st.integers(-kind.most, kind.most))
    return points, draw(st.integers(0, kind.unit - 1)) * kind.step_s


@given(PACKINGS, st.data())
def test_p17_packing_never_misorders(kind: Packing, data: st.DataObject) -> None:
    """More points first, then who reached them earlier; exact in a double."""
    (points, second), (other, later) = data.draw(a_score(kind)), data.draw(a_score(kind))
    left, right = kind.pack(points, second), kind.pack(other, later)
    assert (left > right) == ((points, -second) > (other, -later))
    assert int(float(left)) == left
    assert kind.unpack(left) == (points, second)


@pytest.mark.parametrize(
    ("kind", "points", "second"),
    [
        (PEOPLE, 2**22, 0), (PEOPLE, -(2**22), 0), (PEOPLE, 0, -1), (PEOPLE, 0, 2**31),
        (GROUPS, 2**27, 0), (GROUPS, 0, 60 * 2**26),
    ],
)  # fmt: skip
def test_p17_outside_its_range_packing_refuses(kind: Packing, points: int, second: int) -> None:
    with pytest.raises(ValueError, match="range"):
        kind.pack(points, second)


def test_a_group_is_packed_to_the_minute() -> None:
    assert packing.GROUPS.unpack(packing.GROUPS.pack(5, 125)) == (5, 120)
    assert packing.GROUPS.rounded(125) == 120


@pytest.mark.parametrize(
    ("method", "figures", "hundredths"),
    [
        (Method("per_head"), Figures(100, 60, 3, 8), 1250),
        (Method("per_head"), Figures(100, 60, 3, 0), 0),
        (Method("best_n", best_n=3), Figures(100, 60, 4, 8), 2000),
        # Fewer heads than n: the mean of all, those without points included.
        (Method("best_n", best_n=5), Figures(30, 30, 1, 3), 1000),
        (Method("participation", percent=0), Figures(90, 60, 3, 10), 3000),
        (Method("participation", percent=100), Figures(90, 60, 3, 10), 900),
        (Method("participation", percent=50), Figures(90, 60, 3, 10), 1950),
        (Method("participation"), Figures(0, 0, 0, 10), 0),
        # One of three who earned left since: the share is whole, never more.
        (Method("participation", percent=50), Figures(90, 60, 3, 2), 3000),
    ],
)
def test_how_branches_are_compared(method: Method, figures: Figures, hundredths: int) -> None:
    assert value(method, figures) == hundredths


@pytest.mark.parametrize(
    ("heads", "name"),
    [(1, "1-10"), (10, "1-10"), (11, "11-30"), (30, "11-30"), (31, "31-100"), (101, "101+")],
)
def test_bands_of_like_size(heads: int, name: str) -> None:
    assert band(heads) == name
    least, most = band_heads(name)
    assert least <= heads <= most


def test_bands_follow_each_other() -> None:
    spans = [band_heads(name) for name in BANDS]
    assert all(before[1] + 1 == after[0] for before, after in pairwise(spans))
