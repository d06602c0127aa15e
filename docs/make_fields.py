"""Write docs/fields.md from the schema of a pack: every field with its label, kind and unit."""

from __future__ import annotations

from pathlib import Path

from nianbao.fields import Field
from nianbao.pack import Pack, load_pack

DOCS = Path(__file__).parent
KINDS = {
    "count": "整数",
    "amount": "数额",
    "text": "多段文字",
    "line": "一行文字",
    "year": "年份",
    "flag": "是/否",
    "choice": "选项",
}


def fields_page(pack: Pack) -> str:
    """Return the page."""
    lines = [
        f"# 栏目表：{pack.title}",
        "",
        f"由 `schemas/{pack.id}/schema.json` 生成（`make docs`），请勿手改。"
        f"共{len(pack.fields.fields)}个栏目。",
        "",
        "`[]` 表示列表的每一项，或 `notes` 中任一栏目的附注。",
        "",
        "| 栏目 | 位置 | 名称 | 类型 | 单位 | 必填 |",
        "|---|---|---|---|---|---|",
        *(_row(field) for field in pack.fields),
    ]
    return "\n".join(lines) + "\n"


def _row(field: Field) -> str:
    kind = KINDS[field.kind]
    if field.choices:
        kind += "：" + "、".join(f"`{value}` {label}" for value, label in field.choices)
    if field.decimals:
        kind += f"，最多{field.decimals}位小数"
    required = "是" if field.required else ""
    return f"| `{field.path}` | {field.place} | {field.title} | {kind} | {field.unit} | {required} |"


if __name__ == "__main__":
    (DOCS / "fields.md").write_text(fields_page(load_pack()), encoding="utf-8")
