"""From values to positions in a plot, and the round values between."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """From values to positions in a plot, linear or logarithmic."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Returns the position of a value."""
        low, high = self.low, self.high
        if low == high:
            return round((self.start + self.stop) / 2, 1)
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        return round(self.start + (value - low) / (high - low) * (self.stop - self.start), 1)

    def ticks(self) -> list[float]:
        """Returns round values between the ends."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            step = max(1, (last - first) // 5)
            return [10.0**power for power in range(first, last + 1, step)]
        if self.low == self.high:
            return [self.low]
        rough = (self.high - self.low) / 6
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
        first = math.ceil(self.low / step - 1e-9)
        return [
            round(number * step, 12) for number in range(first, int(self.high / step + 1e-9) + 1)
        ]

    def attribute(self) -> str:
        """Returns the scale for the script: both values, then both positions."""
        return f"{self.low!r} {self.high!r} {self.start:g} {self.stop:g}"
