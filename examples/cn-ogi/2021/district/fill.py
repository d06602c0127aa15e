"""Write into the yellow cells, as people do between two runs: `python fill.py 台账/第一轮 填写/第一轮.csv`.

Each line of the CSV names a workbook in the folder, a sheet, the agency or file of a row, a column, and what
is written there.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

from openpyxl import load_workbook


def fill_in(folder: Path, table: Path) -> int:
    """Write what `table` says into the workbooks of `folder`; return the number of cells."""
    with table.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    for name in dict.fromkeys(line["工作簿"] for line in lines):
        book = load_workbook(folder / name)
        for line in lines:
            if line["工作簿"] == name:
                _cell(book[line["表"]], line).value = line["填写"]
        book.save(folder / name)
    return len(lines)


def _cell(sheet: Any, line: dict[str, str]) -> Any:
    """Return the cell that is meant: the empty one, where a row for the same agency is filled in already."""
    column = next(cell.column for cell in sheet[1] if cell.value == line["列"])
    rows = (row for row in sheet.iter_rows(min_row=2) if line["单位或文件"] in (row[0].value, row[1].value))
    return next(cell for row in rows if not (cell := sheet.cell(row[0].row, column)).value)


if __name__ == "__main__":
    sys.stdout.write(f"填写{fill_in(Path(sys.argv[1]), Path(sys.argv[2]))}格：{sys.argv[1]}\n")
