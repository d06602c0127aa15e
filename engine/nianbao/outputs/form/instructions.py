"""What a form says to the person who fills it in: the instructions, and a hint for each cell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nianbao.outputs.form.plan import FormPlan, map_field
from nianbao.outputs.workbook.cellvalues import YES
from nianbao.outputs.workbook.xlsx import MAX_TEXT
from nianbao.pack import Pack
from nianbao.sheetnames import BASICS, CHECKS, REMARKS, TEXTS


def instructions(plan: FormPlan) -> Iterator[str]:
    """Yield the instructions, one sentence or two each."""
    pack = plan.pack
    yield f"本工作簿用于填报{pack.title}。依据：{pack.meta['basis']['name']}。"
    tables = "、".join(f"“{sheet.name}”" for sheet in plan.tables)
    yield f"填写顺序：先填“{BASICS}”，再填{tables}，然后填“{TEXTS}”，最后看“{CHECKS}”。"
    yield "只填黄色格。表中的黄色格只填数字，不带单位；没有的填0，不要留空，空格按漏填处理。"
    if plan.declaration:
        title = pack.fields.nodes[plan.declaration].title
        where = f"在“{BASICS}”的“{title}”选“{YES}”"
        yield f"{declared_tables(pack)}全年没有数字的，{where}，空格即按0计，不必逐格填0。"
    carried = "斜体数字由上年数据带入，请核对，有误可直接修改"
    yield f"灰色格自动计算或已锁定，不用填；合计在各部分填全后显示。{carried}。"
    limit = f"一格最多{MAX_TEXT}个字"
    yield f"“{TEXTS}”中各段文字之间用Alt+Enter换行，段首不用空格；{limit}。没有内容的栏目留空。"
    yield f"“{CHECKS}”逐条列出勾稽关系，红色的一行有误，点“位置”可跳到该格。显示“全部平衡”后再报送。"
    yield f"情况特殊、确实不能平衡的，在“{REMARKS}”写明规则、位置和原因，并由确认人署名。"
    yield "请勿改动工作表名称、栏目名称和行列；填好后保存为.xlsx文件。可用Excel、WPS表格或LibreOffice填写。"
    if limits := _deadlines(pack):
        yield f"法定期限：{limits}。当地要求更早的，从其要求。"


def declared_tables(pack: Pack) -> str:
    """Return the names of the tables that the zero declaration covers."""
    declared = pack.meta.get("zero_declaration", {}).get("tables", ())
    return "、".join(table.name for table in pack.tables if table.path in declared)


def hint(path: str, plan: FormPlan) -> str:
    """Return what helps to fill in the cell of a path outside the tables."""
    pack, field = plan.pack, map_field(path, plan.pack)
    if path == plan.declaration:
        return f"选“{YES}”后，{declared_tables(pack)}的空格按0计；不选的，空格按漏填处理"
    if path in pack.fields.maps:
        example = next((p for sheet in plan.tables for p in sheet.fields), "")
        return f"每行一条，写作“位置=说明”，例如“{pack.fields.place(example)}=其中……”"
    parts = ["必填"] if field.required else []
    if field.default:
        parts.append(f"不填则为“{_default_in_words(field.default, pack)}”")
    if field.unit and field.is_number:
        parts.append(f"单位：{field.unit}")
    if field.choices or field.kind == "flag":
        parts.append("从下拉列表选择")
    if field.description:
        parts.append(_without_codes(field.description, field.choices))
    return "；".join(parts)


def _default_in_words(default: str, pack: Pack) -> str:
    """Return a default with the names of the fields that it is made of."""
    nodes = pack.fields.nodes
    return re.sub(r"\{(\w+)\}", lambda m: f"〔{nodes[m[1]].title}〕" if m[1] in nodes else m[0], default)


def _without_codes(text: str, choices: tuple[tuple[str, str], ...]) -> str:
    for code, label in choices:
        text = re.sub(rf"\b{re.escape(str(code))} ", f"{label}：", text)
    return text


def _deadlines(pack: Pack) -> str:
    """Return the deadlines in words; their keys are choices of a field, or words themselves."""
    labels = {code: label for field in pack.fields for code, label in field.choices}
    found = []
    for key, date in pack.meta.get("deadlines", {}).items():
        month, day = (int(part) for part in date.split("-"))
        found.append(f"{labels.get(key, key)}为次年{month}月{day}日前")
    return "，".join(found)
