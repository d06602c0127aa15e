"""How a person errs over one figure: the chance of having written one number where another was meant.

Each class has a share of all slips (`SHARES`) and spreads it evenly over what it can make of the number
that was meant. The shares are judgements, not measurements: one wrong key is the commonest slip, then
digits out of order, lost or doubled, then a cell left at 0; what fits no class is rare but never
impossible. Only the ratios matter, and only between sets of cells that satisfy the rules equally well.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

SHARES = {
    "digit": 0.30,
    "transposed": 0.15,
    "dropped": 0.12,
    "doubled": 0.10,
    "extra": 0.03,
    "left": 0.10,
    "miscount": 0.10,
    "copied": 0.04,
    "omitted": 0.10,
    "twice": 0.05,
    "sign": 0.02,
    "unknown": 0.02,
}

# What a sentence says of a class where it is by far the likeliest; a miscount is too ordinary to name.
HINTS = {
    "digit": "像是错了一位数字",
    "transposed": "像是相邻两位数字颠倒",
    "dropped": "像是少写了一位数字",
    "doubled": "像是一位数字写了两次",
    "extra": "像是多写了一位数字",
    "left": "像是漏填",
    "copied": "像是抄了相邻一格",
    "omitted": "像是合计漏加了一项",
    "twice": "像是有一项重复计入",
    "sign": "像是加减弄反",
}

# ln(10^6), about: the width of the scale over which a number that fits no class is spread.
_WIDTH = 14
# A miscount of 1 has half of the class, of 2 a quarter, and so on, in both directions.
_FARTHEST = 12


@lru_cache(maxsize=4096)
def slip_chances(typed: int, meant: int) -> tuple[tuple[str, float], ...]:
    """Return the chance of each class that makes `typed` of `meant`; both are whole and not negative."""
    return tuple((name, SHARES[name] * chance) for name, chance in _classes(typed, meant) if chance)


def _classes(typed: int, meant: int) -> Iterator[tuple[str, float]]:
    yield "unknown", 1 / (_WIDTH * (1 + typed))
    if abs(typed - meant) <= _FARTHEST:
        yield "miscount", 0.5 ** (1 + abs(typed - meant))
    if typed == 0:
        yield "left", 1.0
    written, right = str(typed), str(meant)
    places = range(len(right))
    if len(written) == len(right):
        yield from _same_length(written, right)
    elif typed < meant:
        # A digit that is lost in front takes the zeros after it along: 105 becomes 5.
        lost = sum(int(right[:n] + right[n + 1 :]) == typed for n in places)
        yield "dropped", lost / len(right)
    elif len(written) == len(right) + 1:
        yield "doubled", sum(right[:n] + right[n] + right[n:] == written for n in places) / len(right)
        shorter = {written[:n] + written[n + 1 :] for n in range(len(written))}
        yield "extra", (right in shorter) / (10 * len(written))


def _same_length(written: str, right: str) -> Iterator[tuple[str, float]]:
    differ = [n for n, (one, other) in enumerate(zip(written, right, strict=True)) if one != other]
    if len(differ) == 1:
        yield "digit", 1 / (9 * len(right))
    elif len(differ) == 2 and differ[1] - differ[0] == 1 and sorted(written) == sorted(right):
        yield "transposed", 1 / (len(right) - 1)
