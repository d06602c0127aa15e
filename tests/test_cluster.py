"""Building on a cluster: a real Dask scheduler, workers over TCP, and what happens when one of them dies."""

from __future__ import annotations

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

import nianbao.cluster
from conftest import consistent_report
from nianbao.batch import SUMMARY, Options, Task, build, distribution, process_chunk
from nianbao.cluster import Cluster, scheduler_executor
from nianbao.errors import InputError, OutputError
from nianbao.inputs import Source
from nianbao.manifest import MANIFEST, Manifest
from nianbao.outputs.results.summary import Entry
from nianbao.pack import Pack

# Schedulers and workers are real processes: half a minute together.
pytestmark = pytest.mark.slow

COUNT = 300
PATIENCE = 60.0


class Processes:
    """A Dask scheduler and its workers, each a process of its own that is ended with the block."""

    def __init__(
        self, folder: Path, options: Mapping[str, Sequence[str]] | None = None, **config: str
    ) -> None:
        self.folder = folder
        self.options = options or {}
        self.environment = {**os.environ, **config}
        self.workers: list[subprocess.Popen[bytes]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Processes:
        file = self.folder / "scheduler.json"
        self.scheduler = self._start("dask_scheduler", "--port", "0", "--scheduler-file", str(file))
        until(lambda: address(file))
        self.address = address(file)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def worker(self, threads: int = 1) -> subprocess.Popen[bytes]:
        """Start a worker; it has joined when the scheduler counts it."""
        options = ("--nthreads", str(threads), "--no-nanny", "--local-directory", str(self.folder))
        self.workers.append(self._start("dask_worker", self.address, *options))
        return self.workers[-1]

    def _start(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", *options]
        command += ["--host", "127.0.0.1", "--no-dashboard", *self.options.get(program, ())]
        log = self._stack.enter_context((self.folder / f"{program}-{len(self.workers)}.log").open("wb"))
        process = subprocess.Popen(command, stderr=log, env=self.environment, cwd=self.folder)
        self._stack.callback(end, process)
        return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def address(scheduler_file: Path) -> str:
    """Return the address in a scheduler's file, empty until the scheduler has written all of it."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        return str(json.loads(scheduler_file.read_text())["address"])
    return ""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def joined(cluster: Cluster) -> int:
    return len(cluster._client.nthreads())


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Two workers, one of them with two threads."""
    with Processes(tmp_path_factory.mktemp("dask")) as started:
        started.worker()
        started.worker(threads=2)
        yield started


@pytest.fixture(scope="module")
def cluster(processes: Processes) -> Iterator[Cluster]:
    with scheduler_executor(processes.address, PATIENCE) as executor:
        until(lambda: joined(executor) == 2)
        yield executor


@pytest.fixture(scope="module")
def source(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of many agencies, one of them with a wrong total."""
    reports = [consistent_report(pack, seed % 25, agency=f"第{seed}局") for seed in range(COUNT)]
    reports[70]["requests"]["new"] = {**reports[70]["requests"]["new"], "total": 10**6}
    path = tmp_path_factory.mktemp("in") / "in.json"
    path.write_text(json.dumps(reports, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def local(pack: Pack, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of the reports."""
    out = tmp_path_factory.mktemp("local") / "out"
    assert build([source], out, pack).written == COUNT - 1
    return out


def files(folder: Path) -> dict[str, bytes]:
    """All files of a folder but the manifest, whose lines may be in another order."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != MANIFEST}


def documents(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in files(folder).items() if name != SUMMARY}


def test_a_cluster_makes_the_same_bytes_as_one_process(
    pack: Pack, cluster: Cluster, source: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "_CHUNK", 16)
    monkeypatch.chdir(tmp_path)
    before = executed(cluster)
    result = build([source], "out", pack, executor=cluster)
    assert files(tmp_path / "out") == files(local)
    assert (tmp_path / "out" / MANIFEST).read_bytes() == (local / MANIFEST).read_bytes()
    assert [e.agency for e in result.entries] == [f"第{n}局" for n in range(COUNT)]
    after = executed(cluster)
    assert all(after[worker] > before[worker] for worker in after)
    assert build([source], "out", pack, executor=cluster).kept == COUNT - 1


def executed(cluster: Cluster) -> dict[str, int]:
    """How many calls each worker has done."""
    counts: dict[str, int] = cluster._client.run(lambda dask_worker: dask_worker.state.executed_count)
    return counts


def test_a_worker_killed_in_the_middle_of_its_work_loses_nothing(
    pack: Pack, source: Path, local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "_CHUNK", 8)
    interrupted: list[str] = []
    with Processes(tmp_path) as processes:
        victim, _ = processes.worker(), processes.worker()
        with scheduler_executor(processes.address, PATIENCE) as executor:
            until(lambda: joined(executor) == 2)

            def kill(entry: Entry) -> None:
                if interrupted:
                    return
                pids = executor._client.run(os.getpid)
                (worker,) = [address for address, pid in pids.items() if pid == victim.pid]
                # What the scheduler has given to the worker and not got back.
                interrupted.extend(executor._client.processing([worker])[worker])
                if interrupted:
                    os.kill(victim.pid, signal.SIGKILL)

            result = build([source], tmp_path / "out", pack, executor=executor, progress=kill)
            until(lambda: joined(executor) == 1)
    assert interrupted
    assert victim.wait() == -signal.SIGKILL
    assert [e.agency for e in result.entries] == [f"第{n}局" for n in range(COUNT)]
    assert files(tmp_path / "out") == files(local)
    assert Manifest(tmp_path / "out").lines == Manifest(local).lines


def test_what_two_workers_write_at_the_same_time_is_whole_and_the_same(
    pack: Pack, cluster: Cluster, source: Path, local: Path, tmp_path: Path
) -> None:
    names = [f"第{n}局2023年政府信息公开工作年度报告" for n in range(16)]
    raws = list(Source([source], pack))[:16]
    tasks = [Task(raw, name, False) for raw, name in zip(raws, names, strict=True)]
    options = cluster.share(Options(pack, tmp_path))
    futures = [cluster.submit(process_chunk, tasks, options) for _ in range(24)]
    expected = {f"{name}.docx": (local / f"{name}.docx").read_bytes() for name in names}
    while not all(future.done() for future in futures):
        seen = {path.name: path.read_bytes() for path in tmp_path.glob("*.docx")}
        assert seen.items() <= expected.items()
    assert len({pickle.dumps([done.lines for done in future.result()]) for future in futures}) == 1
    assert files(tmp_path) == expected


def test_what_is_shared_goes_with_no_call(cluster: Cluster) -> None:
    value = bytes(5_000_000)
    shared = cluster.share(value)
    assert len(pickle.dumps(shared)) < 1000
    assert [cluster.submit(len, shared).result() for _ in range(3)] == [len(value)] * 3


def test_what_is_shared_outlives_all_workers_that_held_it(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        first = processes.worker()
        with scheduler_executor(processes.address, PATIENCE) as executor:
            shared = executor.share("value")
            assert executor.submit(len, shared).result() == 5
            end(first)
            processes.worker()
            assert executor.submit(len, shared).result(PATIENCE) == 5


def test_a_call_that_kills_its_workers_breaks_and_others_go_on(tmp_path: Path) -> None:
    with Processes(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as processes:
        processes.worker()
        with scheduler_executor(processes.address, PATIENCE) as executor:
            with pytest.raises(BrokenExecutor, match="died"):
                executor.submit(os._exit, 1).result(PATIENCE)
            processes.worker()
            assert executor.submit(len, "abc").result(PATIENCE) == 3


# Makes a worker end as if it had run out of memory over one report.
FATAL = """
import os
from nianbao.batch import work

def process(result, task, options, files, process=work.process):
    return os._exit(1) if task.raw.values["agency"] == "第17局" else process(result, task, options, files)

work.process = process
"""


def test_a_report_that_kills_every_worker_costs_only_itself(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "_CHUNK", 8)
    reports = [consistent_report(pack, seed, agency=f"第{seed}局") for seed in range(40)]
    preload = tmp_path / "fatal.py"
    preload.write_text(FATAL, encoding="utf-8")
    options = {"dask_worker": ("--preload", str(preload))}
    with Processes(tmp_path, options, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as processes:
        # One dies of the chunk, one of the report alone.
        for _ in range(3):
            processes.worker()
        with scheduler_executor(processes.address, PATIENCE) as executor:
            until(lambda: joined(executor) == 3)
            result = build(reports, tmp_path / "out", pack, executor=executor)
    assert [e.agency for e in result.entries] == [f"第{n}局" for n in range(40)]
    assert [n for n, e in enumerate(result.entries) if e.errors] == [17]
    assert "WORKER" in {finding.rule for finding in result.entries[17].findings}
    assert (result.written, len(documents(tmp_path / "out"))) == (39, 39)


def test_the_error_of_a_worker_reaches_the_driver_as_it_is(
    cluster: Cluster, pack: Pack, source: Path
) -> None:
    task = Task(next(iter(Source([source], pack))), "name", False)
    with pytest.raises(OutputError, match="所在文件夹不存在"):
        cluster.submit(process_chunk, [task], Options(pack, Path("/no/such/folder"))).result()


def test_a_scheduler_that_dies_ends_in_one_sentence_and_a_folder_to_go_on_with(
    pack: Pack,
    source: Path,
    local: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    monkeypatch.setattr(distribution, "_CHUNK", 8)
    with Processes(tmp_path) as processes:
        processes.worker()
        with (
            pytest.raises(OutputError, match=r"与调度程序的连接断开.*再运行一次"),
            scheduler_executor(processes.address, PATIENCE) as executor,
        ):
            build(
                [source],
                tmp_path / "out",
                pack,
                executor=executor,
                progress=lambda entry: os.kill(processes.scheduler.pid, signal.SIGKILL),
            )
    assert not caplog.records
    result = build([source], tmp_path / "out", pack)
    assert result.kept >= 8
    assert documents(tmp_path / "out") == documents(local)


def test_the_command_line_builds_on_a_cluster(
    processes: Processes, source: Path, local: Path, tmp_path: Path
) -> None:
    done = nianbao_build(source, tmp_path, "--scheduler", processes.address)
    # One report fails the gate.
    assert (done.returncode, done.stderr.strip()) == (1, "")
    assert "生成299份" in done.stdout
    assert files(tmp_path / "out") == files(local)


def test_the_command_line_says_in_one_sentence_that_no_scheduler_is_there(
    source: Path, tmp_path: Path
) -> None:
    done = nianbao_build(source, tmp_path, "--scheduler", "tcp:/127.0.0.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("错误：连接不上调度程序tcp:/127.0.0.1，")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def nianbao_build(source: Path, cwd: Path, *options: str) -> subprocess.CompletedProcess[str]:
    code = "from nianbao.cli import main; main()"
    command = [sys.executable, "-c", code, "build", str(source), "-o", "out", *options]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=120)


# ---- what is refused at once, in one sentence ----


def refused(address: str, timeout: float = 0.5) -> str:
    with pytest.raises(InputError) as info, scheduler_executor(address, timeout):
        pass
    assert "\n" not in info.value.message
    return info.value.message


def test_without_dask_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'nianbao[cluster]'" in refused("tcp://127.0.0.1:8786")


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1", "tcp:/x", "http://127.0.0.1:80", "tcp://127.0.0.1:1", "tls://127.0.0.1:1"]
)
def test_an_address_where_no_scheduler_can_be(address: str) -> None:
    assert refused(address).startswith(f"连接不上调度程序{address}，请检查地址和端口")


def test_a_port_where_something_else_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        connections: list[socket.socket] = []
        # A server that takes the connection and waits for what it understands, as a web server does.
        thread = threading.Thread(target=lambda: connections.append(server.accept()[0]))
        thread.start()
        assert refused(f"tcp://127.0.0.1:{server.getsockname()[1]}").startswith("连接不上调度程序")
        thread.join()
        connections[0].close()


def test_a_scheduler_without_workers(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        assert f"dask worker {processes.address}" in refused(processes.address, 5.0)


def test_processes_with_other_versions(
    processes: Processes, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nianbao.cluster, "version", lambda name: "99.1" if name == "lxml" else "0")
    message = refused(processes.address, PATIENCE)
    assert message.startswith("集群中有3个进程（如tcp://127.0.0.1:")
    assert "nianbao 0、" in message
    assert "lxml 99.1" in message


@pytest.mark.parametrize("program", ["dask_scheduler", "dask_worker"])
def test_a_process_without_nianbao(program: str, tmp_path: Path) -> None:
    preload = tmp_path / "missing.py"
    preload.write_text("import sys; sys.modules['nianbao.cluster'] = None", encoding="utf-8")
    with Processes(tmp_path, {program: ("--preload", str(preload))}) as processes:
        processes.worker()
        assert refused(processes.address, PATIENCE).startswith("集群中有1个进程（如tcp://127.0.0.1:")


def test_a_folder_that_only_the_driver_has(
    pack: Pack, cluster: Cluster, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # The same path means another folder in every process, as it does on machines that share nothing.
    here = Path("/proc/self/cwd")
    with pytest.raises(OutputError, match=r"集群中有2个进程.*共享文件夹"):
        build([source], here, pack, executor=cluster)
    assert files(tmp_path) == {}
