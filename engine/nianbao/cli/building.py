"""`nianbao build`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from nianbao.batch import BatchResult, Progress, build
from nianbao.beside import Beside
from nianbao.cli.common import must_give_reason, say, status, warn
from nianbao.errors import TemplateError
from nianbao.outputs.results.summary import Entry
from nianbao.pack import Pack
from nianbao.rendering.lint import lint_template
from nianbao.rendering.package import MAX_BYTES
from nianbao.workers import LocalPool, Workers

_EVERY = 500


def run_build(
    inputs: Sequence[str],
    out: Path,
    pack: Pack,
    beside: Beside | None = None,
    *,
    template: str | None,
    formats: str,
    jobs: int,
    scheduler: str | None,
    allow_errors: str | None,
    resume: bool,
    blank_as_zero: str | None,
) -> int:
    """Build every report of the inputs and return the exit status."""
    must_give_reason("--allow-errors", allow_errors)
    must_give_reason("--blank-as-zero", blank_as_zero)
    own = _template(template, pack) if template else None
    beside = beside or Beside()
    with _workers(jobs, scheduler) as executor, _progress() as progress:
        result = build(
            inputs,
            out,
            pack,
            previous=beside.previous,
            waivers=beside.waivers,
            template=own,
            formats=formats.split(","),
            allow_errors=allow_errors,
            blank_as_zero=blank_as_zero,
            executor=executor,
            resume=resume,
            progress=progress,
        )
    _tell(result, out)
    return status(result.unreadable, sum(entry.errors for entry in result.entries))


def _template(name: str, pack: Pack) -> bytes:
    """Return the bytes of a template: one of the pack by its name, or an office's own after linting it."""
    for template in pack.meta["template"]:
        if name in (template["name"], template["file"]):
            return pack.sources[template["file"]]
    try:
        with Path(name).open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError:
        known = "、".join(t["name"] for t in pack.meta["template"])
        raise TemplateError(f"找不到模板{name}；报表包自带的模板有：{known}", file=name) from None
    if len(content) > MAX_BYTES:
        raise TemplateError(f"模板{name}大于{MAX_BYTES >> 20}MB，不能使用，请删除多余的内容和图片", file=name)
    problems = lint_template(content, Path(name).name, pack.fields)
    for problem in problems:
        warn(f"{'错误' if problem.severity == 'error' else '提示'}：{problem.message}")
    if any(problem.severity == "error" for problem in problems):
        raise TemplateError(f"模板{name}不能使用，请按上面的说明修改", file=name)
    return content


def _workers(jobs: int, scheduler: str | None) -> AbstractContextManager[Workers | None]:
    """Return what does the work: a cluster, local processes, or nobody but the driver."""
    if scheduler:
        from nianbao.cluster import scheduler_executor

        return scheduler_executor(scheduler)
    return nullcontext() if jobs == 1 else LocalPool(jobs)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Give a progress bar on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield _plain_progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("生成报告", total=None)
        yield lambda entry: bar.update(task, advance=1, description=entry.agency[:20] or "生成报告")


def _plain_progress() -> Progress:
    count = 0

    def tell(entry: Entry) -> None:
        nonlocal count
        count += 1
        if count % _EVERY == 0:
            warn(f"已处理{count}份")

    return tell


def _tell(result: BatchResult, out: Path) -> None:
    failed = sum(entry.status == "fail" for entry in result.entries)
    warned = sum(entry.status == "warn" for entry in result.entries)
    passed = len(result.entries) - failed - warned
    say(f"共{len(result.entries)}份：通过{passed}，有提示{warned}，未通过{failed}")
    say(f"生成{result.written}份，沿用{result.kept}份，在{out}")
    for name in result.voided:
        say(f"已作废：{name}")
    for heading, text in result.notes:
        say(f"{heading}：{text}")
    for _, message in result.unreadable:
        warn(f"未能读取：{message}")
    say(f"检查结果：{result.summary}")
