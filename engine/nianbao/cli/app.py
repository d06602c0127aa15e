"""The commands of `nianbao`; each loads what it needs when it runs, so that starting is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nianbao.cli.options import (
    AliasFile,
    BesideFiles,
    BlankAsZero,
    Inputs,
    Jobs,
    PackChoice,
    PackDirs,
    Rounds,
)
from nianbao.cli.usage import App

app = App(
    name="nianbao",
    help="法定年度报告：从表格到核对无误的Word文件。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
pack_app = App(help="报表包：列出、检查、新建。", no_args_is_help=True)
app.add_typer(pack_app, name="pack")


@app.command()
def build(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="输出文件夹")],
    *,
    template: Annotated[
        str | None, typer.Option(metavar="FILE", help="自己的Word模板，或报表包里模板的名称")
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="docx,html,pdf",
            help="输出格式；html-fragment为贴入网站编辑器的片段",
        ),
    ] = "docx",
    jobs: Jobs = 0,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDR", help="Dask调度程序，如 tcp://10.0.0.1:8786")
    ] = None,
    allow_errors: Annotated[
        str | None, typer.Option("--allow-errors", metavar="REASON", help="未通过校验的也生成，并记录理由")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="沿用未变的输出（默认），或全部重新生成")
    ] = True,
    beside: BesideFiles,
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """核对数据，每份通过的报告生成Word文件（或网页、PDF），并写出检查结果.xlsx。"""
    try:
        from nianbao.cli.building import run_build

        pack = kind.load()
        status = run_build(
            inputs,
            out,
            pack,
            beside.read(pack),
            template=template,
            formats=formats,
            jobs=jobs,
            scheduler=scheduler,
            allow_errors=allow_errors,
            resume=resume,
            blank_as_zero=blank_as_zero,
        )
    except KeyboardInterrupt:
        typer.echo("已中断；已完成的文件都在，重新运行会接着做", err=True)
        status = 130
    raise typer.Exit(status)


@app.command()
def check(
    inputs: Inputs,
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="text|json", help="输出形式；不写时按输出文件的后缀"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="写入文件：.txt、.json，.xlsx为检查结果工作簿"),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(
            "--annotate", metavar="FILE.xlsx", help="在输入工作簿的副本上标红并批注，疑似有误的格标紫"
        ),
    ] = None,
    fix_totals: Annotated[
        Path | None,
        typer.Option("--fix-totals", metavar="FILE.xlsx", help="输入工作簿的副本：合计按分项重算，逐处列出"),
    ] = None,
    beside: BesideFiles,
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """核对数据，逐条指出哪一格有误、应为多少。"""
    from nianbao.cli.checking import run_check
    from nianbao.cli.common import must_not_overwrite

    pack = kind.load()
    must_not_overwrite(out, *inputs, *beside.files)
    last = beside.read(pack)
    raise typer.Exit(run_check(inputs, form, out, annotate, fix_totals, blank_as_zero, pack, last))


@app.command()
def form(
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE.xlsx|DIR", help="文件为登记表，文件夹为每单位一份填报表"),
    ],
    *,
    agencies: Annotated[
        Path | None, typer.Option("--agencies", metavar="FILE", help="单位名录（表格，或每行一个名称的文本）")
    ] = None,
    previous: Annotated[
        list[str] | None, typer.Option("--from", metavar="INPUT", help="上年数据，用来预填结转等栏")
    ] = None,
    year: Annotated[int | None, typer.Option("--year", metavar="YYYY", help="报告年度")] = None,
    aliases: AliasFile = None,
    kind: PackChoice,
) -> None:
    """生成空白登记表，或每个单位一份填报表。"""
    from nianbao.cli.forming import run_form

    raise typer.Exit(run_form(out, agencies, previous or [], year, kind.load(), aliases))


@app.command()
def read(
    inputs: Inputs,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help=".json、.jsonl、.xlsx、.csv；文件夹为每份一个填报表"
        ),
    ],
    *,
    layout: Annotated[
        str, typer.Option("--layout", metavar="register|long", help="工作簿的样式：每单位一行，或每行一项")
    ] = "register",
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """读入任何一种输入，写成数据文件、登记表或填报表。"""
    from nianbao.cli.reading import run_read

    raise typer.Exit(run_read(inputs, out, layout, blank_as_zero, kind.load()))


@app.command()
def collect(
    roster: Annotated[
        Path, typer.Argument(metavar="ROSTER", help="名录：单位名称、代码、类别、口径、联系人、曾用名等列")
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="收到的文件所在的文件夹")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="台账文件夹；再次收报用同一个")],
    *,
    rounds: Rounds,
    notices: Annotated[
        Path | None, typer.Option("--notices", metavar="DIR", help="每个要改正的单位写一份更正通知和邮件文本")
    ] = None,
    published: Annotated[
        list[str] | None,
        typer.Option(
            "--published", metavar="INPUT", help="公开后的网页、Word、PDF，与审签数据比对；可写几个"
        ),
    ] = None,
    adjustments: Annotated[
        Path | None,
        typer.Option("--adjustments", metavar="FILE", help="汇总的调整表，列入检查结果的“口径与调整”"),
    ] = None,
    signoff_template: Annotated[
        Path | None, typer.Option("--signoff-template", metavar="FILE.docx", help="自己的审签单模板")
    ] = None,
    jobs: Jobs = 0,
    beside: BesideFiles,
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """按名录收报：谁没报、谁要改、谁可以审签；写出台账、检查结果、更正通知和审签单。"""
    from nianbao.cli.collecting import tell
    from nianbao.cli.common import must_give_reason
    from nianbao.collecting import collect as collect_reports

    must_give_reason("--blank-as-zero", blank_as_zero)
    collected = collect_reports(
        roster,
        folder,
        out,
        kind.load(),
        previous=beside.previous or None,
        aliases=beside.aliases,
        waivers=tuple(beside.waivers or ()),
        notices=notices,
        published=tuple(published or ()),
        **rounds.said(),
        signoff_template=signoff_template,
        blank_as_zero=blank_as_zero,
        jobs=jobs,
        adjustments=adjustments,
    )
    raise typer.Exit(tell(collected))


@app.command()
def preview(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[INPUT...]", help="表格、数据或报告文件，文件夹、通配符")
    ] = None,
    *,
    agency: Annotated[str | None, typer.Option("--agency", metavar="NAME", help="直接打开这个单位")] = None,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="端口，0为任意空闲的")
    ] = 0,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="打开浏览器")] = True,
    beside: BesideFiles,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDR", help="对其他电脑开放：本机的网络地址")
    ] = "127.0.0.1",
    names: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="代理后面的域名，如 nb.example.cn"),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option("--roster", metavar="ROSTER", help="名录：把INPUT文件夹作为收报，看台账、通知和汇总"),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", metavar="DIR", help="nianbao collect 的台账文件夹，只读不写"),
    ] = None,
    rounds: Rounds,
    adjustments: Annotated[
        Path | None, typer.Option("--adjustments", metavar="FILE", help="汇总的调整表")
    ] = None,
    whole: Annotated[
        str, typer.Option("--whole", metavar="NAME", help="汇总报告的单位，不写为名录里的本级政府")
    ] = "",
    kind: PackChoice,
) -> None:
    """打开本机网页：放入文件，看哪一格有误，下载报告；也是办公系统调用的HTTP服务。

    给出名录（--roster）或台账文件夹（--workspace）的，是收报的台账、更正通知和汇总。
    """
    from nianbao.cli.previewing import Address, Collection, run_preview

    address = Address(host, port, tuple(names or ()), browser)
    files = (beside.previous or [], beside.aliases, beside.waivers or [])
    said = {**rounds.said(), "adjustments": adjustments, "whole": whole}
    collection = Collection(roster, workspace, said)
    status = run_preview(inputs or [], files, agency, address, kind.load(), kind.packs or [], collection)
    raise typer.Exit(status)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="前一份（套）：文件、文件夹或通配符")],
    after: Annotated[str, typer.Argument(metavar="B", help="后一份（套）")],
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="text|json|html", help="输出形式；不写时按输出文件的后缀"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE|DIR", help="写入文件；文件夹为每个单位一个网页"),
    ] = None,
    aliases: AliasFile = None,
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """比较两份报告或两套报告（两年之间、送审与公开、数据与文件），列出每个不同的数字和句子。

    退出状态：0相同，1有不同，2有文件未能读取。
    """
    from nianbao.cli.comparing import run_diff

    raise typer.Exit(run_diff(before, after, form, out, aliases, blank_as_zero, kind.load()))


@app.command()
def rollup(
    inputs: Inputs,
    agency: Annotated[
        str, typer.Option("--agency", metavar="NAME", help="汇总报告的单位名称，如 清河区人民政府")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE.docx", help="汇总报告；贡献矩阵和附录写在旁边"),
    ],
    *,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YYYY", help="汇总的年度，不写为多数报告的年度")
    ] = None,
    agencies: Annotated[
        Path | None,
        typer.Option("--agencies", metavar="FILE", help="单位名录：应报的单位、类别、是否计入汇总"),
    ] = None,
    adjustments: Annotated[
        Path | None,
        typer.Option("--adjustments", metavar="FILE", help="调整表：栏目、调整数、理由、批准人"),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="REPORT", help="已公布的报告，逐格比较")
    ] = None,
    allow_errors: Annotated[
        str | None, typer.Option("--allow-errors", metavar="REASON", help="有错误也生成，并记录理由")
    ] = None,
    statement: Annotated[
        bool, typer.Option("--statement/--no-statement", help="口径说明写进汇总报告（报表包指定的部分）")
    ] = True,
    beside: BesideFiles,
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """把各单位的报告逐格相加成一份汇总报告，写出谁贡献了多少。"""
    from nianbao.cli.rolling import Ask, run_rollup

    ask = Ask(
        agency,
        out,
        beside,
        year=year,
        agencies=agencies,
        adjustments=adjustments,
        against=against,
        allow_errors=allow_errors,
        blank_as_zero=blank_as_zero,
        statement=statement,
    )
    raise typer.Exit(run_rollup(inputs, ask, kind.load()))


@app.command()
def chart(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.html", help="网页文件")],
    *,
    aliases: AliasFile = None,
    blank_as_zero: BlankAsZero = None,
    kind: PackChoice,
) -> None:
    """把各年的数字画成图表网页：一个单位的，或许多单位合计和各自的。"""
    from nianbao.cli.comparing import run_chart

    raise typer.Exit(run_chart(inputs, out, aliases, blank_as_zero, kind.load()))


@pack_app.command("list")
def pack_list(*, packs: PackDirs = None) -> None:
    """列出可用的报表包。"""
    from nianbao.cli.packs import run_list

    raise typer.Exit(run_list(packs or []))


@pack_app.command("lint")
def pack_lint(
    folder: Annotated[Path, typer.Argument(metavar="DIR|ID", help="报表包的文件夹或名称")],
    *,
    packs: PackDirs = None,
) -> None:
    """检查报表包：结构、规则、模板。"""
    from nianbao.cli.packs import run_lint

    raise typer.Exit(run_lint(folder, packs or []))


@pack_app.command("new")
def pack_new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="新报表包的文件夹")],
) -> None:
    """新建一个可以运行的小报表包，作为起点。"""
    from nianbao.cli.packs import run_new

    raise typer.Exit(run_new(folder))
