"""`nianbao preview`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nianbao.cli.common import CLEAN, say, warn
from nianbao.errors import InputError, OutputError
from nianbao.pack import Pack

# A token that is given rather than made: for a service that starts again, and programs that know it.
TOKEN = "NIANBAO_TOKEN"
_SHORTEST = 20


def run_preview(
    inputs: Sequence[str],
    previous: Sequence[str],
    agency: str | None,
    port: int,
    browser: bool,
    host: str,
    names: Sequence[str],
    pack: Pack,
) -> int:
    """Serve the page until it is interrupted."""
    try:
        from nianbao.web.serve import LOOPBACK, listen, serve
    except ImportError as error:
        raise OutputError(
            f"网页预览还没有安装（缺少{error.name}），请运行 pip install 'nianbao[web]' 后再试"
        ) from None
    from nianbao.web.settings import Settings
    from nianbao.web.workspace import Workspace

    token = os.environ.get(TOKEN, "")
    if token and len(token) < _SHORTEST:
        raise InputError(f"环境变量{TOKEN}太短，访问口令至少{_SHORTEST}个字符")
    if host in ("0.0.0.0", "::", ""):
        raise InputError("--host 要写别人访问本机所用的地址，不能是0.0.0.0")
    own = listen(host, port)
    with own, Workspace(pack) as workspace:
        workspace.give(previous, "previous")
        workspace.give(inputs)
        path = "/"
        if agency:
            item = workspace.find_agency(agency)
            if item is None:
                raise InputError(f"输入中没有“{agency}”的报告，请核对单位名称")
            path = f"/reports/{item.id}"
        if host != LOOPBACK:
            warn("注意：其他电脑也能访问；请只在可信的网络中使用，或放在有https的代理后面")
        settings = Settings(token=token) if token else Settings()

        def ready(address: str) -> None:
            say(f"请在浏览器中打开：{address}")
            say("按 Ctrl+C 结束；结束后不留任何内容")

        serve(workspace, settings, own, path=path, names=tuple(names), ready=ready, browser=browser)
    return CLEAN
