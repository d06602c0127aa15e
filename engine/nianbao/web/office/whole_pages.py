"""The pages of the roll-up and its files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nianbao.consolidation import Rollup
from nianbao.filenames import MATRIX_FILE, TEXTS_FILE, safe_name
from nianbao.outputs.rollup.files import Places, report_docx
from nianbao.outputs.rollup.matrix import write_matrix
from nianbao.outputs.rollup.texts import write_texts
from nianbao.pack import Pack
from nianbao.rendering.context import filled_name
from nianbao.report import exchanged
from nianbao.web.downloads import DOCX, XLSX
from nianbao.web.files import attachment
from nianbao.web.office.matrix import matrix_page
from nianbao.web.office.rolling import Rolled
from nianbao.web.office.space import OfficeSpace, Standing
from nianbao.web.office.whole import figure_page, links_of, whole_page
from nianbao.web.pages import Pages
from nianbao.web.uploads import Refused


class WholePages:
    """The roll-up of one collection; `pages` makes the pages of our templates."""

    def __init__(self, space: OfficeSpace, pages: Pages) -> None:
        self.space, self.pages = space, pages
        self._kept: dict[tuple[object, ...], bytes] = {}

    def routes(self) -> list[Route]:
        """Return the routes of the roll-up."""
        return [
            Route("/rollup", self._page(self._whole)),
            Route("/rollup/matrix", self._page(self._matrix)),
            Route("/rollup/figures/{path:str}", self._page(self._figure)),
            Route("/rollup/report.docx", self._file(_report)),
            Route("/rollup/report.json", self._file(_data)),
            Route("/rollup/matrix.xlsx", self._file(_matrix_workbook)),
            Route("/rollup/texts.xlsx", self._file(_texts_workbook)),
        ]

    def _page(self, make: Callable[[Request, Rolled, Standing, int], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await to_thread.run_sync(self._made, request, make)

        return endpoint

    def _made(self, request: Request, make: Callable[[Request, Rolled, Standing, int], Response]) -> Response:
        """Return a page, the one made before where nothing has changed since."""
        space = self.space
        version, standing = space.version, space.standing
        rolled = space.rolled(_asked(request))
        if standing is None or rolled is None:
            return self._without(Rolled("", (), None, space.problem), version)
        if rolled.rollup is None:
            return self._without(rolled, version)
        key = version, request.url.path, request.url.query
        if key not in self._kept:
            self._kept = {k: page for k, page in self._kept.items() if k[0] == version}
            if len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = bytes(make(request, rolled, standing, version).body)
        return Response(self._kept[key], media_type=self.pages.kind)

    def _without(self, rolled: Rolled, version: int) -> Response:
        said: dict[str, Any] = {"rolled": rolled, "whole": None, "waiting": self.space.waiting}
        return self.pages.page("rollup.html", version, here="rollup", query="", **said)

    def _whole(self, request: Request, rolled: Rolled, standing: Standing, version: int) -> Response:
        assert rolled.rollup is not None
        query = _query(request)
        page = whole_page(rolled.rollup, standing, self.space.pack, query)
        look = self.pages.looks.address(page.rules)
        said: dict[str, Any] = {"rolled": rolled, "whole": page, "look": look, "waiting": False}
        return self.pages.page("rollup.html", version, here="rollup", query=query, **said)

    def _figure(self, request: Request, rolled: Rolled, standing: Standing, version: int) -> Response:
        path, rollup = request.path_params["path"], rolled.rollup
        if rollup is None or path not in rollup.fields:
            raise Refused(404, "field", "没有这个汇总的栏目")
        page = figure_page(rollup, path, standing, self.space.pack)
        return self.pages.page(
            "figure.html", version, here="rollup", figure=page, rolled=rolled, query=_query(request)
        )

    def _matrix(self, request: Request, rolled: Rolled, standing: Standing, version: int) -> Response:
        assert rolled.rollup is not None
        asked, rollup = request.query_params, rolled.rollup
        number = asked.get("page", "1")
        page = matrix_page(
            rollup,
            self.space.pack,
            links_of(rollup, standing),
            asked.get("table", ""),
            asked.get("zeros") == "1",
            int(number) if number.isdecimal() and len(number) < 6 else 1,
        )
        return self.pages.page(
            "matrix.html", version, here="matrix", matrix=page, rolled=rolled, query=_query(request)
        )

    def _file(self, make: Callable[[Rollup, Pack], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            rolled = await to_thread.run_sync(self.space.rolled, _asked(request))
            if rolled is None or rolled.rollup is None:
                raise Refused(409, "rollup", (rolled and rolled.problem) or "正在读取和核对，请稍候再试")
            return await to_thread.run_sync(make, rolled.rollup, self.space.pack)

        return endpoint


# Pages that are kept until something changes.
_KEPT = 40


def _asked(request: Request) -> str:
    return request.query_params.get("whole", "")


def _query(request: Request) -> str:
    asked = _asked(request)
    return f"?whole={quote(asked)}" if asked else ""


def _stem(rollup: Rollup, pack: Pack) -> str:
    return safe_name(filled_name(pack, rollup.agency, rollup.year))


def _must_be_ok(rollup: Rollup) -> None:
    if not rollup.ok:
        message = f"汇总有{rollup.errors}个错误，改正后才能下载报告；贡献矩阵可以下载，其中有全部问题"
        raise Refused(409, "fails", message)


def _report(rollup: Rollup, pack: Pack) -> Response:
    _must_be_ok(rollup)
    name = Places.of(Path(f"{_stem(rollup, pack)}.docx")).marked(rollup.draft).name
    return attachment(report_docx(rollup, pack), DOCX, name)


def _data(rollup: Rollup, pack: Pack) -> Response:
    _must_be_ok(rollup)
    text = json.dumps(exchanged(rollup.report.data), ensure_ascii=False, indent=1)
    name = Places.of(Path(f"{_stem(rollup, pack)}.docx")).marked(rollup.draft).with_suffix(".json").name
    return attachment(f"{text}\n".encode("utf-8", "replace"), "application/json", name)


def _matrix_workbook(rollup: Rollup, pack: Pack) -> Response:
    return _workbook(rollup, pack, write_matrix, MATRIX_FILE)


def _texts_workbook(rollup: Rollup, pack: Pack) -> Response:
    return _workbook(rollup, pack, write_texts, TEXTS_FILE)


def _workbook(
    rollup: Rollup, pack: Pack, write: Callable[[Path, Rollup, Pack], object], ending: str
) -> Response:
    with tempfile.TemporaryDirectory(prefix="nianbao-web-") as folder:
        path = Path(folder) / "made.xlsx"
        write(path, rollup, pack)
        return attachment(path.read_bytes(), XLSX, f"{_stem(rollup, pack)}{ending}")
