"""A small pack that works, as a beginning for the next report kind."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from nianbao.outputs.files import make_folder, write_atomic

_PACK = """id = "{id}"
title = "示例年度报告"
language = "zh-CN"
years = {{ from = 2024 }}
output = "{{agency}}{{year}}年示例年度报告"
note = "{{value}}（{{note}}）"

[basis]
name = "写明依据的文件名称和文号"
url = "https://example.org/"

[[template]]
name = "report"
file = "report.docx"

[[table]]
path = "cases"
name = "表一"
title = "一、办件情况"

[[summary]]
title = "办件总数"
sum = ["cases.total"]
"""

_RULES = """# 语法见 docs/rules.md
[sets]
kinds = ["online", "offline"]

[[rule]]
id = "T1-TOTAL"
title = "各项之和＝合计"
severity = "error"
assert = "sum(cases[kinds]) == cases.total"
message = "表一：各项之和为{left}，合计填{right}，差{difference}"
advice = "核对各项与合计"

[[rule]]
id = "S2-EMPTY"
title = "第二部分不能为空"
severity = "error"
check = "filled"
any_of = ["problems"]
message = "二、存在的问题没有文字"
"""

_VARIANTS = """[labels]
"单位名称" = ["单位"]
"年度" = ["年份"]
"""


def _schema() -> dict[str, Any]:
    def count(title: str) -> dict[str, Any]:
        return {"$ref": "#/$defs/count", "title": title}

    cases = {"online": count("网上办件"), "offline": count("窗口办件"), "total": count("合计")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "示例年度报告",
        "type": "object",
        "properties": {
            "agency": {"title": "单位名称", "type": "string", "minLength": 1, "x-kind": "line"},
            "year": {"title": "年度", "type": "integer", "x-kind": "year"},
            "cases": {
                "title": "一、办件情况",
                "x-place": "表一",
                "type": "object",
                "properties": cases,
                "required": list(cases),
                "additionalProperties": False,
            },
            "problems": {"title": "二、存在的问题", "type": "string", "x-kind": "text"},
        },
        "required": ["agency", "year", "cases"],
        "additionalProperties": False,
        "$defs": {"count": {"type": "integer", "minimum": 0, "x-kind": "count", "x-unit": "件"}},
    }


def _template() -> bytes:
    from docx import Document

    document = Document()
    document.add_heading("{{ agency }}{{ year }}年示例年度报告", level=0)
    document.add_heading("一、办件情况", level=1)
    table = document.add_table(rows=3, cols=2, style="Table Grid")
    for row, (label, value) in enumerate(
        (("网上办件", "online"), ("窗口办件", "offline"), ("合计", "total"))
    ):
        table.cell(row, 0).text = label
        table.cell(row, 1).text = f"{{{{ cases.{value} }}}}"
    document.add_heading("二、存在的问题", level=1)
    for text in ("{%p for p in problems|paragraphs %}", "{{ p }}", "{%p endfor %}"):
        document.add_paragraph(text)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def new_pack(folder: Path) -> None:
    """Write the files of a small pack named after `folder`; raises OutputError."""
    make_folder(folder)
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name.lower()).strip("-")
    files = {
        "pack.toml": _PACK.format(id=name or "my-report").encode(),
        "schema.json": (json.dumps(_schema(), ensure_ascii=False, indent=1) + "\n").encode(),
        "rules.toml": _RULES.encode(),
        "variants.toml": _VARIANTS.encode(),
        "report.docx": _template(),
    }
    for file, content in files.items():
        write_atomic(folder / file, content)
