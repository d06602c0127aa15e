"""`nianbao preview`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nianbao.cli.common import CLEAN, say, warn
from nianbao.errors import InputError, OutputError
from nianbao.pack import Pack

if TYPE_CHECKING:
    from nianbao.web.settings import Settings
    from nianbao.web.workspace import Workspace

# A token that is given rather than made: for a service that starts again, and programs that know it.
TOKEN = "NIANBAO_TOKEN"
_SHORTEST = 20
_EVERYWHERE = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class Address:
    """Where the page is to be had: the address of this machine, the port, names that a proxy gives it."""

    host: str
    port: int
    names: tuple[str, ...]
    browser: bool


@dataclass(frozen=True)
class Collection:
    """What makes the page one of collecting: roster and workspace, and what `Given` takes as it is."""

    roster: Path | None
    workspace: Path | None
    said: Mapping[str, Any]

    def __bool__(self) -> bool:
        return self.roster is not None or self.workspace is not None


def run_preview(
    inputs: Sequence[str],
    files: tuple[Sequence[str], Path | None, Sequence[Path]],
    agency: str | None,
    address: Address,
    pack: Pack,
    packs: Sequence[Path] = (),
    collection: Collection | None = None,
) -> int:
    """Serve the page until it is interrupted; `files` are last year's data, aliases and waivers."""
    _needs_the_extra()
    from nianbao.web.packs import Packs
    from nianbao.web.serve import LOOPBACK, listen, open_browser, serve

    if address.host in _EVERYWHERE:
        raise InputError("--host 要写别人访问本机所用的地址，不能是0.0.0.0")
    settings = _settings()
    with listen(address.host, address.port) as own, _space(inputs, files, pack, collection) as workspace:
        path = _page_of(workspace, agency) if agency else "/"
        if address.host != LOOPBACK:
            warn("注意：其他电脑也能访问；请只在可信的网络中使用，或放在有https的代理后面")

        def ready(server: str) -> None:
            url = f"{server}{path}?token={settings.token}"
            say(f"请在浏览器中打开：{url}")
            say("按 Ctrl+C 结束；结束后不留任何内容")
            if address.browser:
                open_browser(url)

        serve(workspace, settings, own, packs=Packs(pack, packs), names=address.names, ready=ready)
    return CLEAN


def _space(
    inputs: Sequence[str],
    files: tuple[Sequence[str], Path | None, Sequence[Path]],
    pack: Pack,
    collection: Collection | None,
) -> Workspace:
    """Return what the page holds: a collection where a roster or a workspace is given, else the inputs."""
    from nianbao.collecting.workspace import is_workspace
    from nianbao.previous import as_aliases
    from nianbao.waivers import as_waivers
    from nianbao.web.workspace import Workspace

    previous, aliases, waivers = files
    if not collection and len(inputs) == 1 and is_workspace(Path(inputs[0])):
        # What collect made, given as any other folder.
        said = collection.said if collection is not None else {}
        return _office([], files, pack, Collection(None, Path(inputs[0]), said))
    if collection:
        return _office(inputs, files, pack, collection)
    if collection is not None and any(collection.said.values()):
        raise InputError("收报和汇总的选项要与 --roster 或 --workspace 一起用")
    workspace = Workspace(pack, aliases=as_aliases(aliases), waivers=as_waivers(list(waivers)))
    workspace.give(previous, "previous")
    workspace.give(inputs)
    return workspace


def _office(
    inputs: Sequence[str],
    files: tuple[Sequence[str], Path | None, Sequence[Path]],
    pack: Pack,
    collection: Collection,
) -> Workspace:
    from nianbao.web.office.given import merged
    from nianbao.web.office.space import OfficeSpace

    if len(inputs) > 1 or any(not Path(name).is_dir() for name in inputs):
        raise InputError("收报时只给出一个文件夹：收到的文件都放在里面")
    previous, aliases, waivers = files
    said = {**collection.said, "previous": tuple(previous), "aliases": aliases, "waivers": tuple(waivers)}
    folder = Path(inputs[0]) if inputs else None
    space = OfficeSpace(pack, merged(collection.roster, folder, collection.workspace, said))
    try:
        space.verify()
    except BaseException:
        space.close()
        raise
    return space


def _needs_the_extra() -> None:
    """Raise OutputError where the packages that the page needs are not installed."""
    try:
        import nianbao.web.serve  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nianbao"):
            raise
        message = f"网页预览还没有安装（缺少{error.name}），请运行 pip install 'nianbao[web]' 后再试"
        raise OutputError(message) from None


def _settings() -> Settings:
    from nianbao.web.settings import Settings

    token = os.environ.get(TOKEN, "")
    # It stands in an address and in a cookie.
    if token and not re.fullmatch(rf"[A-Za-z0-9._~-]{{{_SHORTEST},}}", token):
        raise InputError(f"环境变量{TOKEN}不能作访问口令：至少{_SHORTEST}个字符，只用字母、数字和 - _ . ~")
    return Settings(token=token) if token else Settings()


def _page_of(workspace: Workspace, agency: str) -> str:
    """Return the path of an agency's page; raises InputError where there is none."""
    workspace.refresh()
    item = workspace.find_agency(agency)
    if item is None:
        raise InputError(f"输入中没有“{agency}”的报告，请核对单位名称")
    return f"/reports/{item.id}"
