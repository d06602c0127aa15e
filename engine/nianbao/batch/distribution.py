"""Who does the work of a batch: the driver itself, local processes, or a cluster; results come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from itertools import islice

from nianbao.batch.work import Done, Options, Task, process_chunk
from nianbao.bind import bind
from nianbao.findings import Finding
from nianbao.outputs.results.summary import entry_of
from nianbao.pack import keep
from nianbao.pipeline import CheckResult
from nianbao.workers import Distant, LocalPool, Restartable, Workers

_CHUNK, _WINDOW, _FEW = 64, 8, 128
# The driver tells what it has done itself as often as files get their names.
_OWN_CHUNK = 16


def work(tasks: Iterator[Task], options: Options, executor: Workers | None) -> Iterator[Done]:
    """Yield what becomes of each task, in order."""
    if executor is None or (isinstance(executor, LocalPool) and not executor.is_started):
        # Few reports are done sooner than workers are started.
        here = tasks if executor is None else islice(tasks, _FEW)
        for chunk in iter(lambda: list(islice(here, _OWN_CHUNK)), []):
            yield from process_chunk(chunk, options)
    if executor is not None:
        yield from _distribute(tasks, options, executor)


def start(options: Options, executor: LocalPool) -> None:
    """Have the workers started, and the pack compiled there, while the driver still reads its first file."""
    keep(options.pack)
    executor.copy_if_alone()
    for _ in range(executor.jobs):
        executor.submit(process_chunk, [], options)


def _distribute(tasks: Iterator[Task], options: Options, executor: Workers) -> Iterator[Done]:
    """Yield what becomes of each task, in order, done by the workers of `executor` in chunks."""
    shared, window = options, _WINDOW
    if isinstance(executor, Distant):
        shared, window = executor.share(options), executor.window
    waiting: deque[tuple[list[Task], Future[list[Done]]]] = deque()

    def send(chunk: list[Task]) -> None:
        waiting.append((chunk, executor.submit(process_chunk, chunk, shared)))

    for chunk in iter(lambda: list(islice(tasks, _CHUNK)), []):
        send(chunk)
        # A window bounds the memory: only a few chunks are read ahead of what is done.
        if len(waiting) > window:
            yield from _first_done(waiting, options, shared, executor)
    while waiting:
        yield from _first_done(waiting, options, shared, executor)


def _first_done(
    waiting: deque[tuple[list[Task], Future[list[Done]]]],
    options: Options,
    shared: Options,
    executor: Workers,
) -> list[Done]:
    """Return what became of the first chunk; where its worker died, its tasks are done again one by one."""
    chunk, future = waiting.popleft()
    try:
        return future.result()
    except BrokenExecutor:
        if not isinstance(executor, Restartable):
            raise
    executor.restart()
    done = [_alone(task, options, shared, executor) for task in chunk]
    if isinstance(executor, LocalPool):
        # The pool broke for those that wait as well.
        for index, (other, lost) in enumerate(waiting):
            if not lost.done() or lost.cancelled() or lost.exception():
                waiting[index] = (other, executor.submit(process_chunk, other, shared))
    return done


def _alone(task: Task, options: Options, shared: Options, executor: Restartable) -> Done:
    """Return what becomes of one task in a worker of its own; a task that kills the worker has an error."""
    # A local worker may have died of something else, such as another one's hunger; a cluster has tried it.
    for _ in range(2 if isinstance(executor, LocalPool) else 1):
        try:
            return executor.submit(process_chunk, [task], shared).result()[0]
        except BrokenExecutor:
            executor.restart()
    report = bind(task.raw, options.pack, options.blank_as_zero)
    message = "处理这份报告时工作进程异常退出（可能是内存不足），其余报告不受影响；请检查数据后单独重试"
    finding = Finding("WORKER", "error", None, report.source, message)
    return Done(entry_of(CheckResult(report, (*report.findings, finding)), options.pack))
