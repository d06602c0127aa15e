"""Runs one Python engine: reads the job that peers.py wrote, times the engine by itself, prints the result.

Called as ``python python_engine.py ENGINE JOB`` with the folder of common.py on PYTHONPATH.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from common import measure

Action = Callable[[], bytes]


def nianbao(mode: str, template: bytes, data: Any) -> Action:
    """cold: the template compiled for every report. warm: the pack loaded once, as nianbao does."""
    compile_template = import_module("nianbao.rendering.template").compile_template
    pipeline = import_module("nianbao.pipeline")
    pack = import_module("nianbao.pack").load_pack()
    report = pipeline.report_from_data(data, pack)
    if mode == "cold":
        return lambda: pipeline.render(report, pack, compile_template(template, "report.docx"))
    return lambda: pipeline.render(report, pack)


def nianbao_dict(mode: str, template: bytes, data: Any) -> Action:
    """As nianbao, with the values of a plain dict read, typed and checked for being values each time."""
    compile_template = import_module("nianbao.rendering.template").compile_template
    pipeline = import_module("nianbao.pipeline")
    pack = import_module("nianbao.pack").load_pack()

    def action() -> bytes:
        compiled = compile_template(template, "report.docx") if mode == "cold" else None
        return bytes(pipeline.render(pipeline.report_from_data(data, pack), pack, compiled))

    return action


def docxtpl(mode: str, template: bytes, data: Any) -> Action:
    """cold: a DocxTemplate for every report. warm: one DocxTemplate that renders many times.

    The latter is "Multiple rendering" in https://docxtpl.readthedocs.io/en/latest/#multiple-rendering.
    """
    DocxTemplate, environment = import_module("docxtpl").DocxTemplate, _environment()
    kept = DocxTemplate(io.BytesIO(template))

    def action() -> bytes:
        document = kept if mode == "warm" else DocxTemplate(io.BytesIO(template))
        document.render(data, environment, autoescape=True)
        out = io.BytesIO()
        document.save(out)
        return out.getvalue()

    return action


def rust_docxtpl(mode: str, template: bytes, data: Any) -> Action:
    """cold: its caches off. warm: its caches and its optional XPath cache on, and one DocxTemplate kept.

    See "Caches" and "Optional: python-docx XPath cache" in https://github.com/Anthony-Hoo/rust-docxtpl#readme.
    """
    module = import_module("docxtpl")
    if mode == "cold":
        module.set_cache_budget(0)
    else:
        import_module("docxtpl.accel").enable()
    return docxtpl(mode, template, data)


def _environment() -> Any:
    environment = import_module("jinja2").Environment(autoescape=True)
    environment.filters["paragraphs"] = _paragraphs
    return environment


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, as nianbao's filter does."""
    return text.split("\n") if text else []


ENGINES: dict[str, tuple[Callable[[str, bytes, Any], Action], tuple[str, ...]]] = {
    "nianbao": (nianbao, ("nianbao", "jinja2", "isal")),
    "nianbao-dict": (nianbao_dict, ("nianbao", "jinja2", "isal")),
    "docxtpl": (docxtpl, ("docxtpl", "python-docx", "jinja2", "lxml")),
    "rust-docxtpl": (rust_docxtpl, ("rust-docxtpl", "python-docx", "jinja2", "lxml")),
}


def main() -> None:
    """Run the job and print its timing as JSON."""
    engine, packages = ENGINES[sys.argv[1]]
    job = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    data = json.loads(Path(job["data"]).read_text(encoding="utf-8"))
    action = engine(job["mode"], Path(job["template"]).read_bytes(), data)
    last = b""

    def keep() -> None:
        nonlocal last
        last = action()

    timing = measure(keep, job["reports"], job["seconds"], job["warmup"])
    Path(job["output"]).write_bytes(last)
    versions = {package: version(package) for package in packages}
    print(json.dumps({**vars(timing), "versions": versions}))


if __name__ == "__main__":
    main()
