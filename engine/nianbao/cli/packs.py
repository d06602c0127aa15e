"""`nianbao pack`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nianbao.cli.common import CLEAN, FINDINGS, say, warn
from nianbao.errors import OutputError
from nianbao.pack import list_packs, load_pack
from nianbao.packlint import lint_pack


def run_list(packs: Sequence[Path]) -> int:
    """List the packs that can be found."""
    for folder in list_packs(packs):
        pack = load_pack(folder)
        say(f"{pack.id}\t{pack.title}\t{folder}")
    return CLEAN


def run_lint(folder: Path, packs: Sequence[Path]) -> int:
    """Check a pack and say what is wrong with it."""
    pack = load_pack(folder, packs)
    problems = list(lint_pack(pack))
    for problem in problems:
        warn(f"{'错误' if problem.severity == 'error' else '提示'}：{problem.message}")
    errors = sum(problem.severity == "error" for problem in problems)
    say(
        f"{pack.id}：栏目{len(pack.fields.fields)}个，规则{len(pack.rules.texts)}条"
        f"（算式{len(pack.rules.instances)}个），模板{len(pack.meta['template'])}个，错误{errors}个"
    )
    return FINDINGS if errors else CLEAN


def run_new(folder: Path) -> int:
    """Write a small pack that works, to begin with."""
    from nianbao.packnew import new_pack

    if folder.exists() and any(folder.iterdir()):
        raise OutputError(f"{folder}已有内容，请给出一个新的文件夹", file=str(folder))
    new_pack(folder)
    say(f"新报表包：{folder}；改好后用 nianbao pack lint {folder} 检查")
    say(f"生成空表：nianbao form -o 填报表 --pack {folder}")
    return CLEAN
