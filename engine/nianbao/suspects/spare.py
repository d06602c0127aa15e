"""Values for cells that depend on each other, so that the rules leave room to choose."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nianbao.suspects.matrix import Exact

# How far from the nearest value whole ones are looked for.
_TURNS = 12


def share_out(
    now: Sequence[Exact], steps: Sequence[int], base: Sequence[Exact], weights: Sequence[Exact]
) -> list[Exact] | None:
    """Return new values of cells whose last one takes over from the others; None if there are none.

    When the last cell changes by d, each other one changes by base - weight * d. Of the d that keep all of
    them at 0 or above, the one nearest to 0 that also makes all of them whole is taken.
    """
    bounds = _range(now, base, weights)
    if bounds is None:
        return None
    low, high = bounds
    first = int(-(-low // steps[-1]))
    final = max(first, 0) + _TURNS if high is None else int(high // steps[-1])
    nearest = min(max(first, 0), final)
    for turns in sorted(range(nearest - _TURNS, nearest + _TURNS + 1), key=lambda n: (abs(n - nearest), n)):
        d = turns * steps[-1]
        changes = [*(change - weight * d for change, weight in zip(base, weights, strict=True)), d]
        values = [value + change for value, change in zip(now, changes, strict=True)]
        broken = any(value % step for value, step in zip(values, steps, strict=True))
        if first <= turns <= final and all(changes) and not broken:
            return values
    return None


def _range(
    now: Sequence[Exact], base: Sequence[Exact], weights: Sequence[Exact]
) -> tuple[Exact, Exact | None] | None:
    """Return between which changes of the last cell no cell falls below 0; None as the end has no limit."""
    low: Exact = -now[-1]
    high: Exact | None = None
    for value, change, weight in zip(now, base, weights, strict=False):
        bound = Fraction(value + change)
        if weight > 0:
            high = bound / weight if high is None else min(high, bound / weight)
        elif weight < 0:
            low = max(low, bound / weight)
        elif bound < 0:
            return None
    return low, high
