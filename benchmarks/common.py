"""What the benchmarks share: the machine in words, timing on one core, and Markdown tables.

Only the standard library, so that it also runs in the environments of other engines.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(__file__).resolve().parent / ".cache"


@dataclass(frozen=True)
class Timing:
    """One repetition: the mean of `count` actions, in milliseconds of wall clock and of processor time."""

    wall: float
    cpu: float
    count: int


@dataclass(frozen=True)
class Spread:
    """Several repetitions: the middle one, the fastest and the slowest."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.least)}–{number(self.most)})"


def spread(values: Iterable[float]) -> Spread:
    """Return the median and the range of repeated measurements; raises ValueError where there are none."""
    known = sorted(values)
    if not known:
        raise ValueError("no measurements")
    return Spread(statistics.median(known), known[0], known[-1])


def measure(action: Callable[[], object], count: int, seconds: float = 1.0, warmup: float = 1.0) -> Timing:
    """Return the mean time of `action` over at least `count` calls and at least `seconds`.

    It runs unmeasured for `warmup` seconds first, at least twice unless `warmup` is 0.
    """
    if warmup:
        _repeat(action, 2, warmup)
    start, cpu = time.perf_counter(), time.process_time()
    done = _repeat(action, count, seconds)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    return Timing(1000 * wall / done, 1000 * cpu / done, done)


def _repeat(action: Callable[[], object], count: int, seconds: float) -> int:
    done, end = 0, time.perf_counter() + seconds
    while done < count or time.perf_counter() < end:
        action()
        done += 1
    return done


def pinned(command: Sequence[str]) -> list[str]:
    """Return the command bound to one core, unchanged where the system cannot do that."""
    taskset = shutil.which("taskset")
    if taskset is None or not hasattr(os, "sched_getaffinity"):
        return list(command)
    return [taskset, "-c", str(min(os.sched_getaffinity(0))), *command]


def machine() -> str:
    """Return the machine in one line: processor, cores, memory, system, Python."""
    cores = f"{os.cpu_count()} cores"
    system = f"{platform.system()} {platform.machine()}"
    return ", ".join((_processor(), cores, *_memory(), system, f"CPython {platform.python_version()}"))


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _memory() -> list[str]:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not Unix
        return []
    return [f"{total / 2**30:.1f} GiB"]


def number(value: float) -> str:
    """Return a number with three significant digits: 0.482, 21.3, 178."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> str:
    """Return a Markdown table, the first `left` columns aligned to the left and the others to the right."""
    rules = ["---" if column < left else "---:" for column in range(len(header))]
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in (header, rules, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
