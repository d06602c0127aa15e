"""The texts of the published reports, section by section, and their figures: only for measuring and tests."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import ROOT

_TOPICS = ("proactive", "on_request", "management", "platform", "oversight")
_WRAPPED = re.compile(r"(?<![。；：！？])\n(?![（(]?[一二三四五六七八九十]+[)）、是])")
# Four radicals that look like their characters and that NFKC leaves alone.
_RADICALS = str.maketrans("⺠⻓⻔⻛", "民长门风")


@dataclass(frozen=True)
class Narrative:
    """A published report: the figures of its tables, its texts by field.

    `counted` are the numbers in its texts that count something in its tables, as a reader finds them;
    `contradicts` is what such a reader would remark on, a pattern for the messages.
    """

    name: str
    figures: Mapping[str, Any]
    texts: Mapping[str, str]
    counted: frozenset[str]
    contradicts: str = ""


# What a reader of each report finds in its texts.
_READ = {
    "涧西区人民政府2023": ({"40", "21", "2", "1"}, "100%"),
    "市政务服务和大数据管理局2022": ({"1"}, ""),
    "huaian_2024": (
        {"1", "3119", "3050", "34", "103", "351", "72", "64", "178", "37", "46", "25", "5", "9", "7"},
        "",
    ),
    "shuyang_fagai_2023": ({"26"}, ""),
}


def narratives(shared: Path) -> list[Narrative]:
    """Return the five plain texts and the two real reports, an empty list where they are missing."""
    seeds = sorted((shared / "seeds").glob("*.txt"))
    real = shared / "reference" / "real"
    if not seeds or not real.is_dir():
        return []
    examples = json.loads((ROOT / "examples/cn-ogi/2021/reports.json").read_bytes())
    made = [
        _narrative(f"{data['agency']}{data['year']}", data, path.read_text(encoding="utf-8"))
        for path, data in zip(seeds, examples, strict=True)
    ]
    for name, text in (("huaian_2024", _pdf(real)), ("shuyang_fagai_2023", _html(real))):
        data = json.loads((real / f"{name}.json").read_bytes())["data"]
        made.append(_narrative(name, data, text))
    return made


def _pdf(folder: Path) -> str:
    command = ["pdftotext", "-layout", str(folder / "huaian_2024.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # Page numbers and indents are not the text's.
    return "\n".join(line.strip() for line in text.splitlines() if not re.fullmatch(r"\s*-\d+-\s*", line))


def _html(folder: Path) -> str:
    from lxml import html

    root = html.parse(folder / "shuyang_fagai_2023.html").getroot()
    return re.sub(r"\s*\n\s*", "\n", str(root.text_content()))


def _narrative(name: str, data: Mapping[str, Any], raw: str) -> Narrative:
    text = unicodedata.normalize("NFKC", raw).translate(_RADICALS)
    text = re.sub(r"[#\t ]+", "", text).replace("\n\n", "\n")
    counted, contradicts = _READ.get(name, (set(), ""))
    figures = {
        key: value for key, value in data.items() if key not in ("overview", "problems", "other_matters")
    }
    return Narrative(name, figures, _sections(text), frozenset(counted), contradicts)


def _sections(text: str) -> dict[str, str]:
    """Return section one by its five topics, sections five and six, the lines of each joined."""
    parts = {
        name: match[1]
        for name, start, end in (
            ("overview", "一、总体情况", "二、主动公开政府信息情况"),
            ("problems", "五、[^\n]*(?:问题|情况)[^\n]*", "六、其他"),
            ("other_matters", "六、其他需要报告的事项", r"\Z"),
        )
        if (match := re.search(rf"(?:{start})\n(.*?)(?:{end})", text, re.DOTALL))
    }
    overview = parts.pop("overview", "")
    pieces = re.split(r"\n\((?:一|二|三|四|五)\)", f"\n{overview}")
    texts = {"overview.preamble": pieces[0]}
    if len(pieces) == 6:
        texts |= {f"overview.{topic}.text": piece for topic, piece in zip(_TOPICS, pieces[1:], strict=True)}
    else:
        texts["overview.preamble"] = overview
    return {
        path: _WRAPPED.sub("", piece.strip()) for path, piece in {**texts, **parts}.items() if piece.strip()
    }
