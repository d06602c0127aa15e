"""What people read about findings: levels, positions, sources, requirements and advice in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby

from nianbao.findings import Finding, Severity, Suspect, Value, Where
from nianbao.outputs.workbook.xlsx import visible
from nianbao.pack import Pack

LEVELS: Mapping[Severity, str] = {"error": "错误", "warning": "警告", "info": "提示"}
WAIVED = "已说明"
STATUSES: Mapping[str, str] = {"pass": "通过", "warn": "有提示", "fail": "未通过"}

# Findings of reading, binding and building have no rule in a pack: what should hold, and what to do.
_ENGINE: Mapping[str, tuple[str, str]] = {
    "VALUE": ("内容应符合栏目要求", "在来源文件中改正本格"),
    "BLANK": ("必填栏目不能为空", "补填；没有业务的数量填0"),
    "DERIVED": ("空着的合计由勾稽关系确定", "核对计算出的数是否正确"),
    "BLANK-ZERO": ("空格按0计须有依据", "确认确实没有业务"),
    "ZERO-DECLARED": ("声明无申请的，表中各格应为0", "改为0，或取消零申请声明"),
    "UNKNOWN": ("栏目应是报表中的栏目", "核对栏目名称"),
    "SCHEMA": ("数据应符合报表结构", "按说明改正"),
    "UNKNOWN-COLUMN": ("列标题应是报表中的栏目", "核对列标题；不属于报表的列可不理会"),
    "DOUBLED-COLUMN": ("每个栏目只能有一列", "删除多余的列"),
    "UNKNOWN-ROW": ("行名应是报表中的行", "核对行名"),
    "DOUBLED-ROW": ("每行只能出现一次", "删除多余的行"),
    "WORKER": ("每份报告应能独立处理完", "单独重试这份报告"),
    "UNREADABLE": ("数据应能读出", "按说明改正后重新运行"),
    "RENDER": ("内容应能写入报告", "按说明改正后重新运行"),
    "PDF": ("Word文件应能转换为PDF", "打开Word文件看看有无异常，然后重新运行；只会重做没有生成的"),
    "SAME-NAME": ("一个单位一个年度只应有一份报告", "核对是否重复报送"),
    "NOT-FOUND": ("格式中的每一格都应在报告中", "对照原文：缺的补上，印在别处的改正位置"),
    "UNALIGNED": ("表中的数字应有对应的栏目", "核对表头和行名，对照原文"),
    "LABEL": ("标签和标题应与格式一致", "改为格式中的写法；确认读入的数字没有错位"),
    "HEADING": ("各部分的标题应齐全", "补上标题"),
    "OTHER-EDITION": ("表格应为本版格式", "按本版格式重新填写这几行"),
    "SECOND-TABLE": ("每张法定表格只应有一张", "核对哪一张是应公开的数"),
    "STREAM": ("数字应从表格读出", "与原文逐一核对"),
    "UNIT": ("数字的单位应与栏目一致", "改为栏目的单位"),
    "TITLE": ("标题应写明单位和年度", "核对单位和年度"),
    "NOT-READ": ("格式中没有这段文字的位置", "确认可以不读入"),
    "SCANNED-PAGE": ("每一页都应有文字", "对照原文核对这一页，或改用有文字的文件"),
    "EXTERNAL": ("报告不应引用外部文件", "断开链接后另存"),
    "MACRO": ("报告不应带宏", "另存为.docx"),
    "FILE-NAME": ("单位名称应能作文件名", "核对单位名称，核对输出文件名"),
    "NOT-PLACED": ("填写的内容应印在报告中", "核对所用模板是否缺少这个位置"),
    "PREVIOUS-NONE": ("应有上年报告可比", "新设的单位可不理会；改名、合并、拆分的写进别名表"),
    "PREVIOUS-YEAR": ("上年报告应是前一年的", "换成前一年的报告"),
    "PREVIOUS-SAME": ("一个单位上年只应有一份报告", "只留一份上年报告"),
    "PREVIOUS-NAME": ("单位名称与上年一致", "核对是否同一单位"),
    "PREVIOUS-PART": ("合并前各单位都应有上年报告", "补齐上年报告，或改正别名表"),
    "PREVIOUS-SPLIT": ("拆分的单位不逐个与上年比", "看说明中各部分的合计"),
    "PREVIOUS-GONE": ("已撤销、合并、改名的单位不应再有报告", "核对别名表，或核对是否应由它报告"),
    "NOT-RECEIVED": ("应在期限前报送", "催报；已报的核对单位名称和代码"),
    "NO-MEMBER": ("每份报告应是名录中一家单位的", "在台账“未对应”一表填指定单位，或改正名录、单位名称"),
    "OTHER-YEAR": ("应报本次年度的报告", "请单位换成本年度的报告"),
    "OTHER-SCOPE": ("口径应与名录一致", "汇总的报告另立台账收"),
    "DRAFTS": ("一个单位只应有一份报告", "在台账“采用稿”一列写明采用哪一份，或请单位只留一份"),
    "DRAFTS-EQUAL": ("一个单位只应有一份报告", "内容相同，可不理会"),
    "DRAFT-GONE": ("指定的采用稿应在文件夹里", "改正台账“采用稿”一列"),
    "OTHER-NAME": ("单位名称应与名录一致", "核对是否同一单位"),
    "LATE": ("应在期限前报送", "如实记录"),
    "SIGNED-CHANGED": ("审签后数据不应改动", "核对改动，重新审签"),
    "SIGNED-EDITED": ("审签数据不应改动", "从备份恢复，或重新审签"),
    "SIGNED-LOST": ("审签记录应有对应的审签数据", "核对指纹，或重新审签"),
    "SIGNED-GONE": ("审签过的报告应在收到的文件里", "找回审签时的报告"),
    "PUBLISHED-DIFFERS": ("公开的报告应与审签数据一致", "改正公开的文件，或重新审签"),
    "PUBLISHED-UNSIGNED": ("审签后才能公开", "补办审签"),
    "WAIVER-VOID": ("情况说明应完整，且所说的数没有变", "补全或重新说明"),
    "ROLLUP-FAILED": ("汇总的每份报告都应通过校验", "退回单位改正，或由单位写情况说明"),
    "ROLLUP-YEAR": ("汇总的报告应是同一年度的", "换成本年度的报告"),
    "ROLLUP-DOUBLED": ("一个单位只应计入一份报告", "只留采用的一份"),
    "ROLLUP-CODE": ("一个代码只应是一个单位", "核对代码，核对是否同一单位"),
    "ROLLUP-CONTAINED": ("下级已含在上级口径中的，不应再计入", "去掉下级，或改用上级只含本单位的报告"),
    "ROLLUP-SAME": ("两个单位的数字不应完全相同", "核对是否一个单位误报了另一个的表"),
    "ROLLUP-LIMIT": ("单位不应有超出其职权的数", "核对应填的栏目，核对单位名录中的类别和职权"),
    "ROLLUP-UNLISTED": ("计入汇总的单位都应在名录中", "补进名录，或移出输入"),
    "ROLLUP-CYCLE": ("汇总的结果不应又是成员", "本级政府自己的报告口径写本单位；结果另放文件夹"),
    "ROLLUP-CATEGORY": ("计入汇总的单位都应写明类别", "在单位名录里写明类别"),
    "ROLLUP-EXCLUDED": ("类别与计入汇总应一致", "核对名录中的类别和计入汇总"),
    "ROLLUP-MISSING": ("名录中的单位都应有报告", "催报；补齐后重新汇总"),
    "ROLLUP-GONE": ("上年的单位本年都应有报告", "补齐漏报的；撤销、合并、改名的写进别名表"),
    "ROLLUP-PREVIOUS": ("上年数据里应有全口径的报告", "把上年公布的汇总报告也放进--previous"),
    "ROLLUP-WORDS": ("全口径的报告应有文字", "写在本级政府的报告里，再一起汇总"),
    "ROLLUP-NEGATIVE": ("调整后的数不应为负数", "核对调整表"),
    "WAIVER-UNUSED": ("情况说明应对应一个问题", "没有问题的可删去说明"),
}
_KINDS: Mapping[str, str] = {
    "count": "应为不小于0的整数",
    "amount": "应为不小于0的数",
    "year": "应为四位年份",
    "flag": "应填“是”或“否”",
    "line": "应为一行文字",
    "text": "应为文字",
}
_ITEM = re.compile(r"(?:/[^/]+)?/(\d+)(?:/|$)")
_MOST_SUSPECTS = 3
_MOST_CHANGES = 4
_MOST_LINES = 12


class Words:
    """Speaks about the findings of reports of one pack."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._rules = {text.id: (text.title, text.advice) for text in pack.rules.texts}

    def level(self, finding: Finding) -> str:
        """Return how grave a finding is in words; one that is explained is 已说明."""
        return WAIVED if finding.waiver else LEVELS[finding.severity]

    def message(self, finding: Finding) -> str:
        """Return what a finding says, with its explanation where it has one."""
        said = finding.message if finding.waiver is None else f"{finding.message}\n{finding.waiver.words}"
        return visible(said)

    def place(self, finding: Finding) -> str:
        """Return the position in the words of the form."""
        return visible(self.pack.fields.place(finding.field)) or "整份报告"

    def requirement(self, finding: Finding) -> str:
        """Return what should hold: the title of the rule, or what the field may contain."""
        field = self.pack.fields.find(finding.field) if finding.field else None
        if finding.rule != "VALUE" or field is None:
            return self.title(finding.rule)
        if field.kind == "choice":
            return f"应为：{'、'.join(label for _, label in field.choices)}"
        unit = f"（单位：{field.unit}）" if field.is_number and field.unit else ""
        return _KINDS[field.kind] + unit

    def title(self, rule: str) -> str:
        """Return the title of a rule of the pack, or of one of the engine's own."""
        return (self._rules.get(rule) or _ENGINE.get(rule, ("", "")))[0]

    def advice(self, finding: Finding) -> str:
        """Return what to check, the most suspicious cells with it."""
        advice = (self._rules.get(finding.rule) or _ENGINE.get(finding.rule, ("", "")))[1]
        return "。".join(filter(None, (advice, self.likely(finding))))

    def likely(self, finding: Finding) -> str:
        """Return the cells that are most likely wrong, best first; nothing where no cell is suspect."""
        if not finding.suspects:
            return ""
        first, *others = finding.suspects[:_MOST_SUSPECTS]
        if first.group is not None:
            group = [suspect for suspect in (first, *others) if suspect.group == first.group]
            text = f"最可能是下列之一，规则分不清：{'；或'.join(map(self._changes, group))}"
            others = others[len(group) - 1 :]
        else:
            text = f"最可能：{first.reason or self._changes(first)}"
        if others:
            text += f"。也可能：{'；或'.join(map(self._changes, others))}"
        more = len(finding.suspects) > _MOST_SUSPECTS
        return visible(text + (f"；共{len(finding.suspects)}种可能" if more else ""))

    def candidates(self, finding: Finding) -> list[str]:
        """Return all suspects of a finding, best first; of very many the first, and how many more.

        Those that the rules cannot tell apart share a line.
        """
        shown = finding.suspects[:_MOST_LINES]
        lines: list[str] = []
        for group, run in groupby(shown, key=lambda suspect: suspect.group):
            members = list(run)
            if group is not None:
                ways = "；或".join(self._changes(suspect, len(suspect.changes)) for suspect in members)
                word = "也可能" if lines else "最可能"
                lines.append(f"{word}是下列{len(members)}种之一，规则分不清：{ways}；请核对台账")
                continue
            for suspect in members:
                changes = self._changes(suspect, len(suspect.changes))
                lines.append(f"也可能：{changes}" if lines else f"最可能：{suspect.reason or changes}")
        if len(finding.suspects) > _MOST_LINES:
            lines.append(f"另有{len(finding.suspects) - _MOST_LINES}种可能，见JSON输出或检查结果.xlsx")
        return list(map(visible, lines))

    def _changes(self, suspect: Suspect, most: int = _MOST_CHANGES) -> str:
        fields = self.pack.fields
        changes = [f"{fields.place(path)}应为{value_words(v)}" for path, v in suspect.changes.items()]
        text = "、".join(changes[:most])
        if len(changes) > most:
            text += f"等{len(changes)}处"
        return text


def value_words(value: Value) -> str:
    """Return a value as people write it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return visible(f"{value:f}" if isinstance(value, Decimal) else str(value))


def difference(finding: Finding) -> Value:
    """Return how much more the actual value is than the expected one, None where either is no number."""
    actual, expected = finding.actual, finding.expected
    if isinstance(actual, bool) or isinstance(expected, bool):
        return None
    if isinstance(actual, int | Decimal) and isinstance(expected, int | Decimal):
        return actual - expected
    return None


def file_words(where: Where) -> str:
    """Return the file with the folder that it stands in: two agencies often send files of one name."""
    parts = [part for part in (where.file or "").replace("\\", "/").split("/") if part not in ("", ".")]
    return visible("/".join(parts[-2:]))


def spot_words(where: Where) -> str:
    """Return the place inside the file: sheet and cell, page, line, or which item of a JSON list."""
    parts = []
    if where.sheet or where.cell:
        spot = where.cell or (f"第{where.row}行" if where.row else "")
        parts.append(f"{where.sheet}!{spot}" if where.sheet and spot else where.sheet or spot)
    else:
        parts += [f"第{where.page}页"] if where.page else []
        parts += [f"第{where.table}个表"] if where.table else []
        parts += [f"第{where.row}行"] if where.row else []
        parts += [f"第{where.column}列"] if where.column and where.table else []
    parts += [f"第{where.line}{_line_word(where)}"] if where.line else []
    # The rest of a JSON Pointer is the path of a field, which people read as its position in the form.
    item = _ITEM.match(where.pointer or "")
    parts += [f"第{int(item[1]) + 1}项"] if item else []
    return visible(" ".join(parts))


def _line_word(where: Where) -> str:
    """Return what the lines of a file are counted in: documents have paragraphs."""
    return "段" if (where.file or "").lower().endswith((".docx", ".html", ".htm")) else "行"


def source_words(where: Where, between: str = " ") -> str:
    """Return file and place inside it."""
    return between.join(filter(None, (file_words(where), spot_words(where))))
