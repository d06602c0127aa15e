"""Many reports from input files to .docx on disk: time, processor time and memory of all processes together.

    python benchmarks/scale.py [--counts N ...] [--jobs N ...] [--workers N ...] [--again] [--out FILE]

The input is made once and kept in `.cache/scale`: the examples' reports under numbered names. A run is one
`nianbao build` into an empty folder, as a user starts it; its outputs are counted. `--workers` adds runs on a
Dask scheduler of this machine, `--again` a second run of each case that finds nothing to do.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import CACHE, ROOT, machine, markdown_table, number

REPORTS = ROOT / "examples" / "cn-ogi" / "2021" / "reports.json"
NIANBAO = (sys.executable, "-c", "from nianbao.cli import main; main()")
TIMES = ("wall s", "reports/s", "CPU s", "CPU ms a report", "driver ms a report")
HEADER = ("input", "reports", "done by", *TIMES, "peak MB", "cores others used", "output")
# Often enough to see a peak, seldom enough not to be one of the busy processes.
_SAMPLE = 0.1
_TICK = os.sysconf("SC_CLK_TCK")

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Case:
    """One run: what is read, and who does the work: local processes or so many workers of a scheduler."""

    kind: str
    reports: int
    files: tuple[Path, ...]
    jobs: int = 1
    workers: int = 0
    again: bool = False

    @property
    def words(self) -> tuple[str, str, str]:
        """The first columns of the table."""
        name = {"jsonl": "JSONL", "xlsx": "register"}[self.kind]
        who = f"{self.workers} Dask workers" if self.workers else f"{self.jobs} processes"
        return (
            f"1 {name}" if len(self.files) == 1 else f"{len(self.files)} {name}s",
            f"{self.reports:,}{' again' if self.again else ''}",
            "the driver alone" if self.jobs == 1 and not self.workers else who,
        )


@dataclass(frozen=True)
class Run:
    """What a run took: seconds, megabytes, cores that other programs used meanwhile, and what is wrong."""

    wall: float
    cpu: float
    driver: float
    peak: float
    others: float
    wrong: str

    def row(self, case: Case) -> tuple[str, ...]:
        """Return the run as a line of the table."""
        each = 1000 / case.reports
        times = (number(self.cpu), number(self.cpu * each), number(self.driver * each))
        speed = (number(self.wall), f"{case.reports / self.wall:,.0f}", *times)
        return (*case.words, *speed, f"{self.peak:,.0f}", f"{self.others:.2f}", self.wrong or "right")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all cases; return 1 if an output was wrong."""
    options = _options(arguments)
    rows: list[tuple[str, ...]] = []
    folder = Path(tempfile.mkdtemp(prefix="scale-", dir=options.folder))
    try:
        out = folder
        synced, plain = (number(write_time(folder, sync)) for sync in (True, False))
        for number_of_run, case in enumerate(cases(options)):
            # Never where many files were just deleted: ext4 is slow to make others there.
            out = out if case.again else folder / f"out-{number_of_run}"
            rows.append(measured(case, out).row(case))
            print(" | ".join(rows[-1]), file=sys.stderr)
    finally:
        shutil.rmtree(folder)
    command = " ".join(["python benchmarks/scale.py", *(sys.argv[1:] if arguments is None else arguments)])
    disk = f"Writing and renaming a file of 13 kB: {synced} ms with fsync, {plain} ms without."
    text = f"`{command}`\n\n{machine()}. {disk}\n\n{markdown_table(HEADER, rows)}"
    print(text)
    if options.out:
        options.out.write_text(f"{text}\n", encoding="utf-8")
    return int(any(line[-1] != "right" for line in rows))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--counts", type=int, nargs="+", default=[1_000, 10_000], metavar="N", help="reports of a run")
    add("--kinds", nargs="+", choices=("jsonl", "xlsx"), default=["jsonl", "xlsx"], help="kinds of input")
    add("--jobs", type=int, nargs="*", default=[1, 2], metavar="N", help="local processes")
    add("--workers", type=int, nargs="*", default=[], metavar="N", help="workers of a Dask scheduler")
    add("--rows", type=int, default=10_000, metavar="N", help="rows of a register; more reports, more files")
    add("--again", action="store_true", help="run each case twice: the second time nothing has changed")
    add("--folder", type=Path, default=CACHE, help="where the output goes; its disk is what is measured")
    add("--out", type=Path, metavar="FILE", help="write the table to this file too")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    return options


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Yield what is to be run, the input made."""
    who = [{"jobs": jobs} for jobs in options.jobs] + [{"workers": workers} for workers in options.workers]
    for count in options.counts:
        for kind in options.kinds:
            files = make_input(kind, count, options.rows)
            for one in who:
                for again in (False, True)[: 1 + options.again]:
                    yield Case(kind, count, files, again=again, **one)


# ---- input ----


def make_input(kind: str, count: int, rows: int) -> tuple[Path, ...]:
    """Return the input files of `count` reports, made if they are not in the cache."""
    rows = count if kind == "jsonl" else min(rows, count)
    state = hashlib.sha256(REPORTS.read_bytes()).hexdigest()[:8]
    folder = CACHE / "scale" / f"{kind}-{count}-{rows}-{state}"
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        for first in range(0, count, rows):
            lines = making / f"{first:07d}.jsonl"
            write_lines(lines, range(first, min(first + rows, count)))
            if kind == "xlsx":
                subprocess.run([*NIANBAO, "read", lines, "-o", lines.with_suffix(".xlsx")], check=True)
                lines.unlink()
        making.rename(folder)
    return tuple(sorted(folder.iterdir()))


def write_lines(path: Path, numbers: range) -> None:
    """Write the examples' reports, one after another, each under a name of its own."""
    reports = json.loads(REPORTS.read_text(encoding="utf-8"))
    with path.open("w", encoding="utf-8") as stream:
        for n in numbers:
            report = reports[n % len(reports)]
            line = {**report, "agency": f"{report['agency']}第{n + 1}处"}
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")


# ---- measuring ----


def measured(case: Case, out: Path) -> Run:
    """Return what one `nianbao build` took, its scheduler and workers included."""
    cpu, busy = _children(), _busy()
    begin = time.perf_counter()
    with contextlib.ExitStack() as stack:
        command = [*NIANBAO, "build", *map(str, case.files), "-o", str(out), "--jobs", str(case.jobs)]
        started: list[Process] = []
        if case.workers:
            address, started = start_dask(case.workers, stack)
            command += ["--scheduler", address]
        start = time.perf_counter()
        driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak, used = watch(driver, started)
        end = time.perf_counter()
    cpu = _children() - cpu
    others = max(0.0, _busy() - busy - cpu) / (time.perf_counter() - begin)
    return Run(end - start, cpu, used, peak / 1e6, others, problem(case, out, driver.returncode))


def watch(driver: Process, started: Sequence[Process]) -> tuple[int, float]:
    """Return the most memory that all processes took together, and the processor time of the driver alone."""
    peak, used = 0, 0.0
    while driver.poll() is None:
        with contextlib.suppress(OSError):
            fields = _stat(driver.pid)
            used = (int(fields[11]) + int(fields[12])) / _TICK
        tree = _descendants([driver.pid, *(process.pid for process in started)])
        peak = max(peak, sum(map(_memory, tree)))
        time.sleep(_SAMPLE)
    return peak, used


def problem(case: Case, out: Path, status: int) -> str:
    """Return what is wrong with the output, or an empty text."""
    if status:
        return f"exit status {status}"
    made = sum(1 for path in out.iterdir() if path.suffix == ".docx")
    lines = (out / "manifest.jsonl").read_bytes().count(b"\n")
    return "" if made == lines == case.reports else f"{made} files, {lines} lines in the manifest"


def _children() -> float:
    """Return the processor time of all processes that have ended below this one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy() -> float:
    """Return the processor time that was spent on anything but this process, by other guests too."""
    ticks = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / _TICK - time.process_time()


def _stat(pid: int) -> list[str]:
    # The name of the program, in brackets, may hold spaces.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _descendants(roots: Sequence[int]) -> set[int]:
    """Return processes with all that they have started."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int(_stat(int(entry.name))[1])
    found: set[int] = set()
    more = set(roots)
    while more:
        found |= more
        more = {pid for pid, parent in parents.items() if parent in more} - found
    return found


def _memory(pid: int) -> int:
    """Return the memory of a process in bytes; what several processes share is counted once."""
    with contextlib.suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def write_time(folder: Path, sync: bool, count: int = 300) -> float:
    """Return the milliseconds that writing and renaming a file of a report's size takes."""
    content = os.urandom(13_000)
    start = time.perf_counter()
    for n in range(count):
        with (folder / "probe.tmp").open("wb") as stream:
            stream.write(content)
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
        (folder / "probe.tmp").rename(folder / f"probe-{sync}-{n}")
    return 1000 * (time.perf_counter() - start) / count


# ---- Dask ----


def start_dask(workers: int, stack: contextlib.ExitStack) -> tuple[str, list[Process]]:
    """Start a scheduler and workers, and return its address and all processes; they end with `stack`."""
    import distributed

    folder = stack.enter_context(tempfile.TemporaryDirectory())
    file = f"{folder}/scheduler.json"
    started = [_dask("scheduler", ["--port", "0", "--scheduler-file", file], stack)]
    while not Path(file).exists():
        time.sleep(0.05)
    options = ["--scheduler-file", file, "--nthreads", "1", "--no-nanny", "--local-directory", folder]
    started += [_dask("worker", options, stack) for _ in range(workers)]
    with distributed.Client(scheduler_file=file) as client:
        client.wait_for_workers(workers, timeout=60)
        return client.scheduler.address, started


def _dask(program: str, options: Sequence[str], stack: contextlib.ExitStack) -> Process:
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--host", "127.0.0.1", *options]
    process = subprocess.Popen([*command, "--no-dashboard"], stderr=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


if __name__ == "__main__":
    sys.exit(main())
