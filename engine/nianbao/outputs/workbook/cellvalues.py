"""Values as a spreadsheet cell shows them: labels for codes, and every digit of a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nianbao.errors import OutputError
from nianbao.fields import Field, FieldSet, split_path

CellValue = int | Decimal | str | None
YES, NO = "是", "否"

_DIGITS = 15


def cell_value(value: Any, field: Field) -> CellValue:
    """Return the value of a field as its cell shows it."""
    if value is None:
        return None
    if isinstance(value, str):
        return dict(field.choices).get(value, value)
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int | float | Decimal):
        number = Decimal(f"{value:.{_DIGITS}g}")
        # A number with more digits than a spreadsheet keeps stays whole only as text.
        exact = isinstance(value, float) or number == value
        return (value if isinstance(value, int) else number) if exact else f"{value}"
    return str(value)


def map_text(data: Mapping[str, Any], path: str, fields: FieldSet) -> str | None:
    """Return the entries of the map `path` that have no field of their own, one line each: 位置=内容.

    Raises OutputError for a key that such a line cannot tell from its text.
    """
    entries = value_at(data, split_path(path))
    if not isinstance(entries, Mapping):
        return None
    lines = []
    for key, text in entries.items():
        if f"{path}.{key}" in fields.by_path or text is None:
            continue
        place = fields.place(key)
        if "=" in place or "\n" in f"{place}{text}":
            problem = f"{fields.nodes[path].title}“{place}”含有等号或换行，写不进工作簿"
            raise OutputError(f"{problem}，请改正后再试，或改存为.json文件")
        lines.append(f"{place}={text}")
    return "\n".join(lines) or None


def value_at(data: Any, steps: Sequence[str | int]) -> Any:
    """Return the value at `steps` in nested data, or None where a step is missing."""
    try:
        for step in steps:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return None
    return data


def words_for(agency: str, place: str) -> str:
    """Return the words by which an error names a value."""
    return f"“{agency}”的“{place}”" if agency else f"“{place}”"
