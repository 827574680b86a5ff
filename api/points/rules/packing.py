"""Packed scores: points and the time they were reached in one number that sorts as a board does.

More points first, then who reached them earlier.  A packed score must be exact in a double, which
leaves 53 bits for both: people's points need seconds to order ties as they came, groups' means
need a wider range instead.
"""

from dataclasses import dataclass

_EXACT_BITS = 53


@dataclass(frozen=True, slots=True)
class Packing:
    """`time_bits` of the 53 hold when the points were reached, in steps of `step_s` seconds."""

    time_bits: int
    step_s: int

    @property
    def unit(self) -> int:
        """What a point adds to a packed score."""
        return 1 << self.time_bits

    @property
    def most(self) -> int:
        """The points, up or down, that still pack exactly."""
        return int((1 << (_EXACT_BITS - self.time_bits)) - 1)

    def pack(self, points: int, reached_s: int) -> int:
        """The packed score; `reached_s` counts from the epoch.

        Raises ValueError outside the range in which a double is exact.
        """
        step = reached_s // self.step_s
        if not -self.most <= points <= self.most or not 0 <= step < self.unit:
            raise ValueError("points or time outside the packing range")
        return points * self.unit + (self.unit - 1 - step)

    def unpack(self, score: int) -> tuple[int, int]:
        """(points, second reached, rounded down to a step) of a packed score."""
        points, rest = divmod(score, self.unit)
        return points, (self.unit - 1 - rest) * self.step_s

    def rounded(self, reached_s: int) -> int:
        """A second as `unpack` gives it back."""
        return reached_s // self.step_s * self.step_s


# 4 194 303 points, in the second they were reached.
PEOPLE = Packing(time_bits=31, step_s=1)
# 1 342 177 points a head in hundredths, in the minute they were reached.
GROUPS = Packing(time_bits=26, step_s=60)
