"""Many members rolled up into one report, from input files to the workbooks on disk: time and memory.

    python benchmarks/rollup.py [--members N] [--kinds jsonl xlsx] [--folder DIR] [--out FILE]

The members are drawn at random, every one consistent, with half a page of words. A run is one
`nianbao rollup` with a roster, as a user starts it. Afterwards every figure of the report that it wrote must
be the sum that is added up here by itself, or the command ends with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from common import CACHE, machine, markdown_table, number

from nianbao.fields import lookup, place_value
from nianbao.pack import Pack, load_pack
from nianbao.rules.instances import totals

NIANBAO = (sys.executable, "-c", "from nianbao.cli import main; main()")
HEADER = ("input", "members", "wall s", "CPU s", "peak MB", "figures", "output")
WHOLE = "清河市人民政府"
# Some of the figures of an agency are 0; most of those that are not are small.
_FILLED, _LARGEST = 0.4, 60


def member(pack: Pack, index: int) -> dict[str, Any]:
    """Return the data of a member: figures at random, consistent, and half a page of words."""
    draw = random.Random(index)
    sums = totals(pack.rules.instances)
    data: dict[str, Any] = {"agency": f"清河市第{index + 1}局", "year": 2023}
    for field in pack.fields.numbers:
        if field.required and field.path not in sums:
            value = draw.randint(0, _LARGEST) if draw.random() < _FILLED else 0
            place_value(
                data, field.path, f"{value}.{draw.randint(0, 999)}" if field.kind == "amount" else value
            )
    rules = data["disclosure"]["government_rules"]
    data["disclosure"]["government_rules"] = dict.fromkeys(rules, 0)
    documents = data["disclosure"]["normative_documents"]
    documents["in_force"] += documents["issued"]
    requests = data["requests"]
    for who in [name for name in requests["new"] if name != "total"]:
        done = sum(lookup(data, part) for part in sums[f"requests.results.total.{who}"])
        requests["new"][who] += max(0, done - requests["new"][who] - requests["carried_in"][who])
        requests["carried_out"][who] = requests["new"][who] + requests["carried_in"][who] - done
    pending = dict(sums)
    while pending:
        for total in [t for t, parts in pending.items() if not any(part in pending for part in parts)]:
            place_value(data, total, sum(lookup(data, part) for part in pending.pop(total)))
    words = f"第{index + 1}局按照工作安排公开政府信息，更新及时，答复规范。" * 8
    data["overview"] = {"proactive": {"text": words}, "oversight": {"text": words}}
    data |= {"problems": "更新还不够及时。\n下一步加强检查。", "other_matters": "没有收取信息处理费。"}
    data["profile"] = {"category": "department", "scope": "own", "in_rollup": True, "rulemaking_power": False}
    return data


def make_input(pack: Pack, folder: Path, kind: str, count: int) -> tuple[Path, Path, dict[str, Decimal]]:
    """Return the input file, the roster and the sums of `count` members."""
    lines, roster = folder / f"{count}.jsonl", folder / f"{count}.txt"
    sums: dict[str, Decimal] = {}
    with lines.open("w", encoding="utf-8") as stream:
        for data in (member(pack, index) for index in range(count)):
            stream.write(f"{json.dumps(data, ensure_ascii=False)}\n")
            for field in pack.fields.numbers:
                if field.required:
                    sums[field.path] = sums.get(field.path, Decimal(0)) + Decimal(lookup(data, field.path))
    roster.write_text("".join(f"清河市第{index + 1}局\n" for index in range(count)), encoding="utf-8")
    if kind == "xlsx":
        subprocess.run([*NIANBAO, "read", lines, "-o", lines.with_suffix(".xlsx")], check=True)
        lines = lines.with_suffix(".xlsx")
    return lines, roster, sums


def measured(source: Path, roster: Path, folder: Path) -> tuple[float, float, float, int]:
    """Return seconds, processor seconds, peak megabytes and exit status of one run."""
    target = folder / "out" / "汇总.docx"
    command = [*NIANBAO, "rollup", source, "--agency", WHOLE, "--agencies", roster, "-o", target]
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - start
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    process.returncode = os.waitstatus_to_exitcode(status)
    return taken, usage.ru_utime + usage.ru_stime, peak, process.returncode


def problem(folder: Path, sums: dict[str, Decimal], status: int) -> str:
    """Return what is wrong with the report of the whole, or an empty text."""
    # Nobody wrote the words of the whole, so it is a draft.
    found = list((folder / "out").glob("*草稿）.json"))
    if status or len(found) != 1:
        return f"exit {status}, {len(found)} reports"
    whole = json.loads(found[0].read_text(encoding="utf-8"))
    wrong = [path for path, total in sums.items() if Decimal(lookup(whole, path)) != total]
    return f"{len(wrong)} sums wrong" if wrong else ""


def runs(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Yield a line of the table for each run."""
    pack = load_pack("cn-ogi/2021")
    for kind in options.kinds:
        with tempfile.TemporaryDirectory(prefix="rollup-", dir=options.folder) as name:
            folder = Path(name)
            source, roster, sums = make_input(pack, folder, kind, options.members)
            wall, cpu, peak, status = measured(source, roster, folder)
            said = problem(folder, sums, status) or "right"
            figures = f"{len(sums) * options.members:,}"
            label = {"jsonl": "JSONL", "xlsx": "register"}[kind]
            yield label, f"{options.members:,}", number(wall), number(cpu), f"{peak:,.0f}", figures, said


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a sum was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=10_000, metavar="N", help="how many members")
    parser.add_argument("--kinds", nargs="+", choices=("jsonl", "xlsx"), default=["jsonl", "xlsx"])
    parser.add_argument("--folder", type=Path, default=CACHE, help="where input and output go")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the table there")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = list(runs(options))
    text = f"{machine()}.\n\n{markdown_table(HEADER, rows)}"
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return int(any(row[-1] != "right" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
