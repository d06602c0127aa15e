"""One smallest set by mixed-integer programming, where scipy is installed: for what the search gives up on.

The search counts its work and stops; this asks HiGHS for the fewest changed cells. It returns one set, not all, and
takes far longer than a search, so it has a limit of its own. Its floating-point answer is rounded and must satisfy
every equality exactly, else it is no answer. The tests use it as the reference for how many cells are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from nianbao.suspects.matrix import Exact, Matrix, combine

# Branch-and-bound nodes, not seconds: equal input gives equal output.
NODES = 2_000
# Beyond this, floating point no longer tells a changed cell from an unchanged one.
_LARGEST = 10**7


def smallest_set(
    matrix: Matrix,
    values: Sequence[Exact | None],
    steps: Sequence[int],
    residual: Mapping[int, Exact],
    nodes: int = NODES,
) -> dict[int, Exact] | None:
    """Return new values of the fewest cells that mend `residual`; None without scipy or within the limit."""
    try:
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array
    except ImportError:
        return None
    wrong = {matrix.block[matrix.rows[row][0]] for row in residual}
    cells = [c for c, column in enumerate(matrix.columns) if column and matrix.block[c] in wrong]
    now = [_now(values[cell]) for cell in cells]
    room = 2 * sum(abs(Fraction(value)) for value in residual.values())
    if room + max(now) > _LARGEST * min(steps[cell] for cell in cells):
        return None
    # Variables: how many steps each cell changes, then whether it changes.
    height, count = len(matrix.rows), len(cells)
    wanted = np.array([float(residual.get(row, 0)) for row in range(height)])
    entries = [
        (row, n, float(factor * steps[cell]))
        for n, cell in enumerate(cells)
        for row, factor in matrix.columns[cell].items()
    ]
    most = [float(room / steps[cell]) for cell in cells]
    least = [-min(float(value // steps[cell]), m) for value, cell, m in zip(now, cells, most, strict=True)]
    entries += [(height + n, n, 1.0) for n in range(count)] + [
        (height + n, count + n, -most[n]) for n in range(count)
    ]
    low = height + count
    entries += [(low + n, n, 1.0) for n in range(count)] + [(low + n, count + n, -least[n]) for n in range(count)]
    rows, columns, factors = (np.array(part) for part in zip(*entries, strict=True))
    constraint = LinearConstraint(
        csr_array((factors, (rows, columns)), shape=(height + 2 * count, 2 * count)),
        np.concatenate([wanted, np.full(count, -np.inf), np.zeros(count)]),
        np.concatenate([wanted, np.zeros(count), np.full(count, np.inf)]),
    )
    answer: Any = milp(
        np.concatenate([np.zeros(count), np.ones(count)]),
        integrality=np.ones(2 * count),
        bounds=Bounds(np.concatenate([least, np.zeros(count)]), np.concatenate([most, np.ones(count)])),
        constraints=constraint,
        options={"node_limit": nodes},
    )
    return None if answer.status or answer.x is None else _verified(matrix, cells, now, steps, residual, answer.x)


def _verified(
    matrix: Matrix,
    cells: Sequence[int],
    now: Sequence[Exact],
    steps: Sequence[int],
    residual: Mapping[int, Exact],
    answer: Sequence[float],
) -> dict[int, Exact] | None:
    """Return the answer in exact numbers if it mends every row, else None."""
    changes = {cell: round(answer[n]) * steps[cell] for n, cell in enumerate(cells)}
    rest = dict(residual)
    for cell, change in changes.items():
        rest = combine(rest, matrix.columns[cell], change)
    if rest:
        return None
    return {cell: value + changes[cell] for cell, value in zip(cells, now, strict=True) if changes[cell]}


def _now(value: Exact | None) -> Exact:
    return 0 if value is None else value
