"""What is read as a value: raw cells become int, Decimal, str, bool or None, or a sentence why not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeGuard

from nianbao.cells import CellError, Percentage, Uncomputed
from nianbao.fields import Field
from nianbao.findings import Value

MAX_COUNT = 10**12
# Characters that XML 1.0 cannot hold; lone surrogates are among them.
ILLEGAL = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
# And those that are not kept as they are.
_CHANGED = re.compile(r"[^\t\n\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PLAIN = re.compile(r"[+-]?\d+(\.\d+)?")
_FULL_WIDTH = tuple(zip("，；：（）％！？", ",;:()%!?", strict=True))
YES = frozenset({"是", "有", "true", "yes", "y", "1", "√", "✓", "☑", "■"})
NO = frozenset({"否", "无", "没有", "false", "no", "n", "0", "×", "☐", "□"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A value, or the problem with it: what was found and what is wanted."""

    value: Value = None
    problem: str = ""


def compatible(text: str) -> str:
    """Return NFKC of a text.

    Full-width marks stand in nearly every sentence: with them replaced, most texts need no other change, and
    that is soon told.
    """
    for full, half in _FULL_WIDTH:
        text = text.replace(full, half)
    return unicodedata.normalize("NFKC", text)


def is_blank(raw: object) -> bool:
    """Return whether a raw cell holds nothing; white space is nothing."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def is_plain(raw: object, kind: str) -> TypeGuard[str | None]:
    """Return whether a raw cell of a text or a line is what `parse` would make of it: most are."""
    if type(raw) is not str:
        return raw is None
    return not (is_blank(raw) or _CHANGED.search(raw) or (kind == "line" and "\n" in raw))


def parse(raw: object, field: Field) -> Parsed:
    """Return the value that `raw` means for `field`; a blank cell is None without a problem."""
    if is_blank(raw):
        return Parsed()
    if isinstance(raw, CellError):
        return Parsed(problem=f"是Excel错误值{raw.text}，请改正公式或直接填写{_wanted(field)}")
    return _PARSERS[field.kind](raw, field)


def _wanted(field: Field) -> str:
    if field.kind == "count":
        return "不小于0的整数"
    if field.kind == "amount":
        return f"不小于0的数（单位：{field.unit}）"
    return "文字"


def _count(raw: object, field: Field) -> Parsed:
    number = _number(raw, field.unit)
    if isinstance(number, Parsed):
        return Parsed(problem=f"{number.problem}，应为{_wanted(field)}；无业务请填0")
    if number != number.to_integral_value():
        return Parsed(problem=f"是{_shown(number)}，应为整数")
    return _ranged(number, int(number))


def _amount(raw: object, field: Field) -> Parsed:
    number = _number(raw, field.unit)
    if isinstance(number, Parsed):
        return Parsed(problem=f"{number.problem}，应为{_wanted(field)}；无收费请填0")
    exponent = number.normalize().as_tuple().exponent
    if field.decimals and isinstance(exponent, int) and -exponent > field.decimals:
        return Parsed(problem=f"是{_shown(number)}，小数最多{field.decimals}位（单位：{field.unit}）")
    plain = number if exponent else number.quantize(Decimal(1))
    return _ranged(number, plain if number else Decimal(0))


def _ranged(number: Decimal, value: int | Decimal) -> Parsed:
    if number < 0:
        return Parsed(problem=f"是{_shown(number)}，不能为负数")
    if number > MAX_COUNT:
        return Parsed(problem=f"是{_shown(number)}，超出上限1万亿，请核对")
    return Parsed(value)


def _shown(number: Decimal) -> str:
    return shortened(f"{number:f}")


def _number(raw: object, unit: str) -> Decimal | Parsed:
    """Return the number that `raw` means, or what it is instead."""
    if isinstance(raw, bool):
        return Parsed(problem=f"是逻辑值{'TRUE' if raw else 'FALSE'}")
    if isinstance(raw, int | Decimal):
        finite = not isinstance(raw, Decimal) or raw.is_finite()
        return Decimal(raw) if finite else Parsed(problem=f"是{raw}，不是数字")
    if isinstance(raw, float):
        # Spreadsheets store binary floats; 15 significant digits are what they show and mean.
        number = Decimal(f"{raw:.15g}")
        return number if number.is_finite() else Parsed(problem=f"是{raw}，不是数字")
    if isinstance(raw, str):
        return _number_in_text(raw, unit)
    return Parsed(problem=_describe(raw))


def _number_in_text(raw: str, unit: str) -> Decimal | Parsed:
    # A footnote mark (40①, 40²) would become a digit of the number.
    marked = any(unicodedata.category(c) == "No" for c in raw)
    text = unicodedata.normalize("NFKC", raw).strip().removesuffix(unit).rstrip()
    if not marked and (_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)):
        return Decimal(text.replace(",", ""))
    spelled = None if marked else chinese_number(text)
    return Decimal(spelled) if spelled is not None else Parsed(problem=f"是“{shortened(raw)}”，不是数字")


def chinese_number(text: str) -> int | None:
    """Return the number that Chinese numerals spell (〇, 十二, 三百零五, 二〇二三, 一万二千), or None."""
    if not text or any(c not in _DIGITS and c not in _UNITS and c not in "万亿" for c in text):
        return None
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text))
    for big, factor in (("亿", 10**8), ("万", 10**4)):
        head, found, tail = text.rpartition(big)
        if found:
            high, low = chinese_number(head), chinese_number(tail.removeprefix("零")) if tail else 0
            return None if high is None or low is None else high * factor + low
    return _below_myriad(text)


def _below_myriad(text: str) -> int | None:
    total, digit, last_unit = 0, None, 10**4
    for c in text:
        if c in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[c]
        else:
            if _UNITS[c] >= last_unit:
                return None
            last_unit = _UNITS[c]
            total, digit = total + (1 if digit is None else digit) * last_unit, None
    return total + (digit or 0)


def _describe(raw: object) -> str:
    if isinstance(raw, Percentage):
        return f"是百分数{raw.value * 100:g}%"
    if isinstance(raw, Uncomputed):
        return f"是没有计算结果的公式={raw.formula.lstrip('=')}（请用Excel或WPS打开并保存一次）"
    if isinstance(raw, datetime | date | time | timedelta):
        return f"是日期或时间{raw}"
    return f"是“{shortened(str(raw))}”，不是数字"


def shortened(text: str, limit: int = 30) -> str:
    """Return `text` on one line, cut to `limit` characters for use in a message, nothing in it a control."""
    line = ILLEGAL.sub("\ufffd", " ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _year(raw: object, field: Field) -> Parsed:
    plain = raw.strip().removesuffix("度").removesuffix("年") if isinstance(raw, str) else raw
    number = _number(plain, "")
    if isinstance(number, Parsed) or number != number.to_integral_value() or not 1900 <= number <= 2100:
        return Parsed(problem=f"是“{shortened(str(raw))}”，应为四位年份，例如2024")
    return Parsed(int(number))


def _text(raw: object, field: Field) -> Parsed:
    if isinstance(raw, str):
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
    elif isinstance(raw, bool):
        return Parsed(problem=f"是逻辑值{'TRUE' if raw else 'FALSE'}，应为文字")
    elif isinstance(raw, Percentage | Uncomputed | time | timedelta):
        return Parsed(problem=f"{_describe(raw)}，应为文字")
    elif isinstance(raw, date):
        text = f"{raw.year}年{raw.month}月{raw.day}日"
    elif isinstance(raw, int | float | Decimal):
        text = f"{Decimal(str(raw)):f}"
    else:
        return Parsed(problem=f"{_describe(raw)}，应为文字")
    illegal = ILLEGAL.search(text)
    if illegal:
        code = f"U+{ord(illegal.group()):04X}"
        return Parsed(problem=f"第{illegal.start() + 1}个字符{code}是Word文件不能保存的字符，请删除")
    return Parsed(text)


def _line(raw: object, field: Field) -> Parsed:
    parsed = _text(raw, field)
    if isinstance(parsed.value, str):
        text = parsed.value.strip("\n")
        return Parsed(problem="应只有一行，不能换行") if "\n" in text else Parsed(text)
    return parsed


def _flag(raw: object, field: Field) -> Parsed:
    if isinstance(raw, bool):
        return Parsed(raw)
    text = str(raw).strip().casefold()
    if text in YES or text in NO:
        return Parsed(text in YES)
    return Parsed(problem=f"是“{shortened(str(raw))}”，应填“是”或“否”")


def _choice(raw: object, field: Field) -> Parsed:
    text = str(raw).strip()
    for value, label in field.choices:
        if text in (value, label):
            return Parsed(value)
    allowed = "、".join(label for _, label in field.choices)
    return Parsed(problem=f"是“{shortened(text)}”，应为：{allowed}")


_PARSERS: Mapping[str, Callable[[object, Field], Parsed]] = {
    "count": _count,
    "amount": _amount,
    "year": _year,
    "text": _text,
    "line": _line,
    "flag": _flag,
    "choice": _choice,
}
