"""What the tests share: the pack, consistent figures, and where the reference material lies."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from nianbao.fields import lookup, place_value
from nianbao.pack import Pack, load_pack
from nianbao.rules.instances import totals

ROOT = Path(__file__).parents[1]
# What may be skipped even where nothing else may; pytest puts "Skipped: " before some reasons.
_ALLOWED = tuple(
    f"{p}{reason}" for p in ("", "Skipped: ") for reason in ("slow;", "reference material missing")
)
# No test is timed: a busy machine is no mistake. What the checks say depends on the code alone, so examples
# are the same in every run; `make explore` looks for new ones.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("same", _UNTIMED, derandomize=True, database=None)
settings.register_profile("explore", _UNTIMED)
settings.load_profile(os.environ.get("NIANBAO_EXAMPLES", "same"))
EXAMPLES = ROOT / "examples" / "cn-ogi" / "2021"
# A shell lets what it starts in the background ignore Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run slow tests only when asked for: ``-m slow``, or NIANBAO_SLOW in the environment."""
    if os.environ.get("NIANBAO_SLOW") or "slow" in (config.option.markexpr or ""):
        return
    skip = pytest.mark.skip(reason="slow; run with NIANBAO_SLOW=1")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Turn a skip into a failure where none is allowed; reference material that is elsewhere is no fault."""
    outcome = yield
    report = outcome.get_result()
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if report.skipped and os.environ.get("NIANBAO_NO_SKIP") and not reason.startswith(_ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {reason}"


@pytest.fixture(scope="session")
def pack() -> Pack:
    """The pack of the open-government report."""
    return load_pack("cn-ogi/2021")


@pytest.fixture(scope="session")
def examples() -> list[dict[str, Any]]:
    """The five example reports, as exchanged data."""
    data: list[dict[str, Any]] = json.loads((EXAMPLES / "reports.json").read_text(encoding="utf-8"))
    return data


def consistent_report(pack: Pack, seed: int, largest: int = 40, agency: str = "测试区某局") -> dict[str, Any]:
    """Return exchanged data with random figures that satisfy every linear rule, and plausible texts."""
    random_ = random.Random(seed)
    data: dict[str, Any] = {"agency": agency, "year": 2023}
    sums = totals(pack.rules.instances)
    for field in pack.fields.numbers:
        if field.required and field.path not in sums:
            value: Any = random_.randint(0, largest) if random_.random() < 0.6 else 0
            place_value(data, field.path, f"{value}.5" if field.kind == "amount" else value)
    balance(data, sums)
    for kind in ("government_rules", "normative_documents"):
        figures = data["disclosure"][kind]
        figures["in_force"] += figures["issued"]
    data["overview"] = {
        topic: {"text": f"2023年，本单位做好{word}工作。"}
        for topic, word in (
            ("proactive", "主动公开"),
            ("on_request", "依申请公开"),
            ("management", "信息管理"),
            ("platform", "平台建设"),
            ("oversight", "监督保障，工作考核、社会评议合格，没有责任追究情形"),
        )
    }
    data["problems"] = "公开内容还不够及时。\n下一步将加强培训。"
    data["other_matters"] = "2023年未收取信息处理费。"
    return data


def balance(data: dict[str, Any], sums: dict[str, tuple[str, ...]]) -> None:
    """Make the totals what the rules say, and carry over what is left of each applicant's requests."""
    requests = data["requests"]
    for who in [key for key in requests["new"] if key != "total"]:
        results = [lookup(data, p) for p in sums[f"requests.results.total.{who}"]]
        available = requests["new"][who] + requests["carried_in"][who]
        requests["new"][who] += max(0, sum(results) - available)
        requests["carried_out"][who] = requests["new"][who] + requests["carried_in"][who] - sum(results)
    pending = dict(sums)
    while pending:
        for total, parts in list(pending.items()):
            if not any(part in pending for part in parts):
                place_value(data, total, sum(lookup(data, part) for part in parts))
                del pending[total]
