"""The made-up district 望河区: forty agencies, their figures for two years, and what they write.

No sentence, name or number here is of a real report. Everything follows from the names: each agency draws
from a generator of its own, so that a change in one line changes nothing else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from nianbao.fields import lookup, place_value
from nianbao.pack import Pack
from nianbao.rules.instances import totals

YEAR = 2023
WHOLE = "望河区人民政府"
RENAMED, FORMER = "望河区数据局", "望河区大数据管理局"
# How a report comes: the form, a row of the sub-districts' register, a finished report, data.
FORM, REGISTER, WORD, PDF, PAGE, DATA = "填报表", "登记表", "docx", "pdf", "html", "json"


@dataclass(frozen=True)
class Agency:
    """One line of the roster: what it handles in a year, and what it is for."""

    number: int
    name: str
    category: str
    kind: str
    licences: int
    penalties: int
    requests: int
    matter: str

    @property
    def code(self) -> str:
        """A code that no real agency has."""
        return f"11999903000000{self.number:03d}{'ABCDEFGHJK'[self.number % 10]}"

    @property
    def counted(self) -> bool:
        """Whether it counts in the roll-up."""
        return self.category != "vertical"

    @property
    def preparer(self) -> str:
        """Who fills in the report."""
        family, given = "赵钱孙李周吴郑王冯陈", "明芳军丽强敏"
        return family[self.number % 10] + given[self.number % 6]


_LINES = (
    ("望河区人民政府", "government", FORM, 0, 0, 14, "全区政务"),
    ("望河区人民政府办公室", "department", FORM, 0, 0, 5, "政务协调"),
    ("望河区发展和改革局", "department", FORM, 62, 4, 9, "项目审批和价格"),
    ("望河区教育局", "department", FORM, 21, 3, 37, "招生入学"),
    ("望河区科技和工业信息化局", "department", FORM, 0, 2, 6, "企业扶持"),
    ("望河区司法局", "department", WORD, 12, 1, 8, "复议和法律服务"),
    ("望河区民政局", "department", FORM, 48, 2, 12, "低保和养老"),
    ("望河区财政局", "department", WORD, 0, 6, 11, "预算决算"),
    ("望河区人力资源和社会保障局", "department", FORM, 75, 31, 22, "就业和社保"),
    ("望河区自然资源局", "department", FORM, 213, 17, 58, "征地和规划"),
    ("望河区住房和城乡建设局", "department", FORM, 164, 43, 49, "房屋征收"),
    ("望河区交通运输局", "department", FORM, 388, 126, 7, "道路运输"),
    ("望河区水务局", "department", FORM, 57, 14, 5, "取水和河道"),
    ("望河区农业农村局", "department", FORM, 141, 38, 13, "土地流转和补贴"),
    ("望河区商务局", "department", WORD, 33, 5, 3, "成品油和餐饮"),
    ("望河区文化和旅游局", "department", FORM, 52, 19, 2, "文化市场"),
    ("望河区卫生健康局", "department", FORM, 420, 87, 16, "医疗机构"),
    ("望河区退役军人事务局", "department", FORM, 0, 0, 2, "优抚安置"),
    ("望河区应急管理局", "department", FORM, 96, 112, 6, "安全生产"),
    ("望河区审计局", "department", PDF, 0, 0, 4, "审计结果"),
    ("望河区市场监督管理局", "department", FORM, 1904, 356, 44, "登记注册和食品安全"),
    ("望河区医疗保障局", "department", PAGE, 0, 11, 5, "医保待遇"),
    ("望河区行政审批局", "department", DATA, 1286, 0, 10, "集中审批"),
    (RENAMED, "department", WORD, 0, 0, 3, "公共数据"),
    ("望河区城市管理和综合执法局", "department", WORD, 77, 502, 31, "市容和违建"),
    ("望河区东街街道办事处", "subdistrict", REGISTER, 0, 8, 9, "旧城改造"),
    ("望河区桥头街道办事处", "subdistrict", REGISTER, 0, 3, 4, "社区服务"),
    ("望河区望江街道办事处", "subdistrict", REGISTER, 0, 5, 6, "物业管理"),
    ("望河区新园街道办事处", "subdistrict", REGISTER, 0, 2, 3, "园区配套"),
    ("望河区塔山街道办事处", "subdistrict", REGISTER, 0, 4, 7, "拆迁安置"),
    ("望河区河湾街道办事处", "subdistrict", REGISTER, 0, 1, 2, "河岸整治"),
    ("望河区柳林镇人民政府", "township", WORD, 36, 12, 15, "宅基地"),
    ("望河区石桥镇人民政府", "township", FORM, 29, 7, 11, "村务和补贴"),
    ("望河区白沙镇人民政府", "township", FORM, 18, 9, 8, "征地补偿"),
    ("望河区青坪镇人民政府", "township", FORM, 24, 5, 6, "退耕还林"),
    ("国家税务总局望河区税务局", "vertical", WORD, 310, 140, 5, "税收征管"),
    ("望河区气象局", "vertical", PDF, 15, 1, 2, "防雷和预报"),
    ("望河区消防救援大队", "vertical", FORM, 133, 96, 3, "消防检查"),
    ("望河区烟草专卖局", "vertical", FORM, 522, 61, 2, "烟草零售"),
    ("国家统计局望河调查队", "vertical", FORM, 0, 7, 2, "住户调查"),
)
AGENCIES = tuple(Agency(number, *line) for number, line in enumerate(_LINES, 1))

_WHO = (("natural_person", 84), ("business", 9), ("legal_service", 4), ("research", 1), ("other", 2))
_RESULTS = (
    ("granted", 46), ("partial", 11), ("refused.third_party", 2), ("refused.internal_affairs", 2),
    ("refused.process_information", 2), ("refused.enforcement_files", 3), ("refused.administrative_query", 3),
    ("unavailable.not_held", 16), ("unavailable.needs_creation", 2),
    ("unavailable.unclear_after_correction", 2), ("not_processed.petition_complaint", 4),
    ("not_processed.repeated", 3), ("not_processed.publication", 1), ("other.correction_overdue", 3),
    ("other.miscellaneous", 1),
)  # fmt: skip
_OUTCOMES = (("upheld", 60), ("corrected", 14), ("other", 12), ("pending", 14))
_CASES = (("reconsideration", 5), ("litigation_direct", 12), ("litigation_after_reconsideration", 15))

_TEXTS: dict[str, tuple[str, ...]] = {
    "proactive": (
        "围绕{matter}，把群众问得最多的事项整理成清单，逐项写明依据、流程和结果，在门户网站公开。",
        "凡涉及{matter}的文件，起草时就确定公开属性，印发后随即上网，并配一页图解。",
        "机构职能、办事指南和预算决算都按目录更新，{matter}方面另设专栏，每月核对一次。",
        "把{matter}列为本年重点，政策、标准、办理结果成套公开，旧页面统一标注失效。",
    ),
    "on_request": (
        "全年新收政府信息公开申请{new}件，登记、审查、答复各有专人。",
        "本年新收申请{new}件，当面、信函、网络三个渠道统一编号，答复前先与申请人沟通。",
        "收到政府信息公开申请{new}件，疑难的请法律顾问一起研究，到期前五天自动提醒。",
        "新收政府信息公开申请{new}件，答复书使用统一格式，写明救济途径。",
    ),
    "management": (
        "公开前由经办、科室、分管领导三级审查，涉及个人隐私的先作处理。",
        "整理了历年文件，逐件标明有效、修改或废止，清单挂在网站首页。",
        "文件从起草到归档都在一个系统里流转，公开属性不填就不能印发。",
        "每季度抽查已公开的页面，错字、断链和过期内容当场登记、限期改完。",
    ),
    "platform": (
        "网站专栏由专人维护，政务新媒体只发与{matter}有关的内容。",
        "办事大厅设了查阅点，放置纸质目录和自助查询机，有人引导。",
        "把几个栏目合并成一个，手机上也能顺利打开，检索结果按日期排列。",
        "专栏改版后增加了订阅，{matter}方面的新文件会提醒订阅的人。",
    ),
    "oversight": (
        "公开工作列入年度考核，请群众代表评议，没有责任追究的情形。",
        "工作考核和社会评议的结果在内部通报，本年没有发生责任追究。",
        "按季自查，年底考核；社会评议由第三方电话访问，没有需要追究责任的事。",
        "把评议意见逐条落实到科室，考核结果与评先挂钩，没有责任追究。",
    ),
}
# What the government itself writes stands in the report of the district too, where its own figures do not.
_OF_GOVERNMENT = "申请由区政府办公室统一登记、转办、督办，答复书使用统一格式，写明救济途径。"
_PROBLEMS = (
    "公开内容的解读还不够通俗，{matter}方面的专业词语多。\n下一步将请一线人员参与起草，先试读后发布。",
    "个别栏目更新不及时，公开目录与实际事项有出入。\n下一步将按月对照目录检查，问题当月改完。",
    "答复公开申请时检索不够全面，偶有补充答复。\n下一步将统一检索办法，由两人分别检索后核对。",
    "基层对公开标准的掌握有差距。\n下一步将围绕{matter}分批培训，把常见问题编成手册。",
)
_FEES = (
    "{year}年没有收取政府信息公开信息处理费，没有其他需要报告的事项。",
    "本年度未收取信息处理费。",
    "按规定执行信息处理费收取办法，{year}年未发生收费。",
)


def report(agency: Agency, pack: Pack, year: int = YEAR) -> dict[str, Any]:
    """Return the consistent report of an agency for this year or the last, as exchanged data."""
    this = _figures(agency, pack)
    figures = this if year == YEAR else _last_years(agency, this)
    data: dict[str, Any] = {"agency": agency.name, "year": year}
    for path, value in _with_totals(figures, pack).items():
        known = pack.fields.by_path[path]
        place_value(data, path, f"{value / 10000:.4f}" if known.kind == "amount" else value)
    data |= _texts(agency, year, lookup(data, "requests.new.total"))
    if agency.category == "government":
        data["signature"] = {"name": agency.name, "date": f"{year + 1}年3月25日"}
    data["profile"] = {
        "code": agency.code,
        "category": agency.category,
        "scope": "own",
        "in_rollup": agency.counted,
        "rulemaking_power": False,
        "preparer": agency.preparer,
        "phone": f"0999-60{agency.number:05d}",
    }
    return data


def _figures(agency: Agency, pack: Pack) -> dict[str, int]:
    """Return this year's figures other than totals; an amount is in yuan."""
    dice = random.Random(f"{agency.name}{YEAR}")
    drawn = {"disclosure.licensing.decisions": agency.licences}
    drawn["disclosure.penalties.decisions"] = agency.penalties
    drawn["disclosure.coercion.decisions"] = agency.penalties // 20
    if agency.licences > 150 and agency.counted:
        drawn["disclosure.administrative_fees.amount"] = dice.randint(2_000, 2_400_000)
    if agency.category in ("government", "department") and dice.random() < 0.5:
        issued, repealed = dice.randint(0, 3), dice.randint(0, 1)
        papers = {"issued": issued, "repealed": repealed, "in_force": issued + dice.randint(2, 25)}
        drawn |= {f"disclosure.normative_documents.{name}": count for name, count in papers.items()}
    figures = {path: 0 for path in _free(pack)} | drawn
    for _ in range(agency.requests):
        who = _one(dice, _WHO)
        row = "carried_in" if dice.random() < 0.05 else "new"
        figures[f"requests.{row}.{who}"] += 1
        result = "carried_out" if dice.random() < 0.06 else f"results.{_one(dice, _RESULTS)}"
        figures[f"requests.{result}.{who}"] += 1
    _add_cases(figures, agency, dice)
    return figures


def _add_cases(figures: dict[str, int], agency: Agency, dice: random.Random) -> None:
    for kind, share in _CASES:
        for _ in range(agency.requests // share):
            if dice.random() < 0.5:
                figures[f"disputes.{kind}.{_one(dice, _OUTCOMES)}"] += 1


def _last_years(agency: Agency, this: dict[str, int]) -> dict[str, int]:
    """Return last year's figures: what was open and in force then follows from this year's."""
    dice = random.Random(f"{agency.name}{YEAR - 1}")
    figures = dict.fromkeys(this, 0)
    for path, value in this.items():
        if path.startswith("disclosure.") and ".normative_documents." not in path:
            figures[path] = value * dice.randint(85, 115) // 100
    if agency.kind == DATA:
        # Most permits came to it in the course of the year: more than ten times as many as last year.
        figures["disclosure.licensing.decisions"] = 97
    papers = "disclosure.normative_documents"
    changed = this[f"{papers}.issued"] - this[f"{papers}.repealed"]
    figures[f"{papers}.in_force"] = this[f"{papers}.in_force"] - changed
    for who, _ in _WHO:
        left = this[f"requests.carried_in.{who}"]
        figures[f"requests.carried_out.{who}"] = figures[f"requests.new.{who}"] = left
    for _ in range(agency.requests * dice.randint(80, 110) // 100):
        who = _one(dice, _WHO)
        figures[f"requests.new.{who}"] += 1
        figures[f"requests.results.{_one(dice, _RESULTS)}.{who}"] += 1
    _add_cases(figures, agency, dice)
    return figures


def _free(pack: Pack) -> list[str]:
    """Return the required figures that are no totals."""
    sums = totals(pack.rules.instances)
    return [f.path for f in pack.fields.numbers if f.required and f.path not in sums]


def _with_totals(figures: dict[str, int], pack: Pack) -> dict[str, int]:
    found, pending = dict(figures), dict(totals(pack.rules.instances))
    while pending:
        for total in [t for t, parts in pending.items() if not any(part in pending for part in parts)]:
            found[total] = sum(found[part] for part in pending.pop(total))
    return found


def _texts(agency: Agency, year: int, new: int) -> dict[str, Any]:
    words = {"matter": agency.matter, "new": new, "year": year}
    turn = agency.number + year
    overview = {
        topic: {"text": choices[(turn + place) % len(choices)].format(**words)}
        for place, (topic, choices) in enumerate(_TEXTS.items())
    }
    if agency.category == "government":
        overview["on_request"]["text"] = _OF_GOVERNMENT
    return {
        "overview": overview,
        "problems": _PROBLEMS[turn % len(_PROBLEMS)].format(**words),
        "other_matters": _FEES[turn % len(_FEES)].format(**words),
    }


def _one(dice: random.Random, shares: tuple[tuple[str, int], ...]) -> str:
    return dice.choices([name for name, _ in shares], [share for _, share in shares])[0]
