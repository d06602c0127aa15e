"""Statutory annual reports from spreadsheets: checked figures, compliant Word files.

The way of one report is `pipeline`; many at once are `batch`. Everything public is in ``__all__`` and
loaded when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nianbao.batch import BatchResult, build
    from nianbao.collecting import Collected, collect
    from nianbao.comparison.comparing import compare
    from nianbao.comparison.differences import Comparison
    from nianbao.consolidation import Rollup, rollup
    from nianbao.errors import InputError, NianbaoError, OutputError, PackError, RenderError, TemplateError
    from nianbao.findings import Finding, Suspect, Where
    from nianbao.outputs.html import render_html
    from nianbao.pack import Pack, list_packs, load_pack
    from nianbao.pipeline import CheckResult, check, check_many, read, render
    from nianbao.previous import Previous
    from nianbao.report import Report

try:
    __version__ = version("nianbao")
except PackageNotFoundError:  # run from a checkout that is not installed
    __version__ = "0+unknown"

_HOMES = {
    "batch": ("BatchResult", "build"),
    "collecting": ("Collected", "collect"),
    "comparison.comparing": ("compare",),
    "consolidation": ("Rollup", "rollup"),
    "comparison.differences": ("Comparison",),
    "errors": ("InputError", "NianbaoError", "OutputError", "PackError", "RenderError", "TemplateError"),
    "findings": ("Finding", "Suspect", "Where"),
    "outputs.html": ("render_html",),
    "previous": ("Previous",),
    "pack": ("Pack", "list_packs", "load_pack"),
    "pipeline": ("CheckResult", "check", "check_many", "read", "render"),
    "report": ("Report",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BatchResult",
    "CheckResult",
    "Collected",
    "Comparison",
    "Finding",
    "InputError",
    "NianbaoError",
    "OutputError",
    "Pack",
    "PackError",
    "Previous",
    "RenderError",
    "Report",
    "Rollup",
    "Suspect",
    "TemplateError",
    "Where",
    "__version__",
    "build",
    "check",
    "check_many",
    "collect",
    "compare",
    "list_packs",
    "load_pack",
    "read",
    "render",
    "render_html",
    "rollup",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'nianbao' has no attribute {name!r}")
    value = getattr(import_module(f"nianbao.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
