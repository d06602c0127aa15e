"""Values as a spreadsheet cell holds them: nothing is cut, calculated, or taken for a formula."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nianbao.errors import OutputError
from nianbao.fields import Field, FieldSet, split_path
from nianbao.values import ILLEGAL

CellValue = int | float | Decimal | str | None
YES, NO = "是", "否"
MAX_TEXT = 32_767

# Spreadsheets read _x0041_ in a text as "A" unless its first underscore is written as _x005F_.
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_DIGITS = 15


def cell_value(value: Any, field: Field, agency: str, place: str) -> CellValue:
    """Return the value of a field as its cell shows it; raises OutputError for what no cell can hold."""
    if value is None:
        return None
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int | float | Decimal):
        return value if _is_exact(value) else f"{value}"
    if field.choices:
        value = dict(field.choices).get(value, value)
    return cell_text(str(value), agency, place)


def cell_text(text: str, agency: str, place: str) -> str:
    """Return `text` as it is written into a cell; raises OutputError where a cell cannot hold it."""
    escaped = _ESCAPED.sub("_x005F_", text)
    # Spreadsheets count UTF-16 units: an emoji is two.
    length = len(escaped) + sum(c > "\uffff" for c in escaped)
    who = f"“{agency}”的“{place}”" if agency else f"“{place}”"
    if length > MAX_TEXT:
        limit = f"超过Excel单元格{MAX_TEXT}个字的上限"
        raise OutputError(f"{who}有{length}个字，{limit}，请缩短后再试，或改存为.json文件")
    if illegal := ILLEGAL.search(escaped):
        code = f"U+{ord(illegal.group()):04X}"
        raise OutputError(f"{who}含有工作簿不能保存的控制字符{code}，请删除后再试")
    return escaped


def starts_formula(value: CellValue) -> bool:
    """Return whether a spreadsheet would take the text for a formula when somebody edits its cell."""
    return isinstance(value, str) and value.startswith(("=", "+", "-", "@"))


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
            title = fields.nodes[path].title
            problem = f"{title}“{place}”含有等号或换行，写不进工作簿"
            raise OutputError(f"{problem}，请改正后再试，或改存为.json文件")
        lines.append(f"{place}={text}")
    return "\n".join(lines) or None


def value_at(data: Any, steps: list[str | int]) -> Any:
    """Return the value at `steps` in nested data, or None where a step is missing."""
    try:
        for step in steps:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return None
    return data


def _is_exact(value: float | Decimal) -> bool:
    """Return whether a spreadsheet keeps every digit of a number."""
    if isinstance(value, float):
        return True
    number = Decimal(value)
    return number.is_finite() and Decimal(f"{float(number):.{_DIGITS}g}") == number
