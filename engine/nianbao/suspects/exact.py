"""One smallest set by mixed-integer programming, where scipy is installed: for what the search gives up on.

Only on demand: it takes up to some seconds a report, HiGHS may write to standard output, and one set of
unknown many is not what a person should see unasked. The search counts its work and stops; this asks HiGHS
for the fewest changed cells. It returns one set, not all, takes far longer than a search, and has a limit
of its own. Its floating-point answer is rounded and must satisfy every equality exactly, else it is no
answer. The tests use it as the reference for how many cells are needed.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nianbao.rules.linear import Exact
from nianbao.suspects.matrix import Matrix, combine

# Branch-and-bound nodes, not seconds: equal input gives equal output.
NODES = 200
# Beyond this, floating point no longer tells a changed cell from an unchanged one.
_LARGEST = 10**7


@dataclass(frozen=True)
class _Program:
    """The cells that can change, what they hold now, and how many steps down and up they may go."""

    matrix: Matrix
    cells: list[int]
    now: list[Exact]
    steps: list[int]
    down: list[float]
    up: float


def smallest_set(
    matrix: Matrix,
    values: Sequence[Exact | None],
    steps: Sequence[int],
    residual: Mapping[int, Exact],
    nodes: int = NODES,
) -> dict[int, Exact] | None:
    """Return new values of the fewest cells that mend `residual`; None without scipy or within the limit."""
    try:
        optimize: Any = importlib.import_module("scipy.optimize")
        sparse: Any = importlib.import_module("scipy.sparse")
    except ImportError:
        return None
    program = _program(matrix, values, steps, residual)
    if program.up + max(program.down) > _LARGEST:
        return None
    count, height = len(program.cells), len(matrix.rows)
    wanted = [float(residual.get(row, 0)) for row in range(height)]
    rows, columns, factors = zip(*_entries(program), strict=True)
    endless = [float("inf")] * count
    answer: Any = optimize.milp(
        [0.0] * count + [1.0] * count,
        integrality=[1] * (2 * count),
        bounds=optimize.Bounds(
            [-limit for limit in program.down] + [0.0] * count, [program.up] * count + [1.0] * count
        ),
        constraints=optimize.LinearConstraint(
            sparse.csr_array((factors, (rows, columns)), shape=(height + 2 * count, 2 * count)),
            wanted + [-limit for limit in endless] + [0.0] * count,
            wanted + [0.0] * count + endless,
        ),
        options={"node_limit": nodes},
    )
    return None if answer.status or answer.x is None else _verified(program, residual, answer.x)


def _program(
    matrix: Matrix, values: Sequence[Exact | None], steps: Sequence[int], residual: Mapping[int, Exact]
) -> _Program:
    wrong = {matrix.block[matrix.rows[row][0]] for row in residual}
    cells = [cell for cell, column in enumerate(matrix.columns) if column and matrix.block[cell] in wrong]
    now = [values[cell] or 0 for cell in cells]
    own = [steps[cell] for cell in cells]
    # No smallest set needs a change larger than everything that is missing together; twice that is safe.
    up = float(2 * sum(max(value, -value) for value in residual.values()) // min(own))
    down = [min(float(value // step), up) for value, step in zip(now, own, strict=True)]
    return _Program(matrix, cells, now, own, down, up)


def _entries(program: _Program) -> list[tuple[int, int, float]]:
    """Return the constraints as (row, variable, factor).

    The variables say by how many steps each cell changes, and then whether it changes. After the rules come,
    for each cell: change - up * changes <= 0, and change + down * changes >= 0.
    """
    height, count = len(program.matrix.rows), len(program.cells)
    entries: list[tuple[int, int, float]] = []
    for n, (cell, step) in enumerate(zip(program.cells, program.steps, strict=True)):
        column = program.matrix.columns[cell]
        entries += ((row, n, float(factor * step)) for row, factor in column.items())
        entries += ((height + n, n, 1.0), (height + n, count + n, -program.up))
        entries += ((height + count + n, n, 1.0), (height + count + n, count + n, program.down[n]))
    return entries


def _verified(
    program: _Program, residual: Mapping[int, Exact], answer: Sequence[float]
) -> dict[int, Exact] | None:
    """Return the answer in exact numbers if it mends every row, else None."""
    changes = [round(answer[n]) * step for n, step in enumerate(program.steps)]
    rest = dict(residual)
    for cell, change in zip(program.cells, changes, strict=True):
        rest = combine(rest, program.matrix.columns[cell], change)
    if rest:
        return None
    cells = zip(program.cells, program.now, changes, strict=True)
    return {cell: value + change for cell, value, change in cells if change}
