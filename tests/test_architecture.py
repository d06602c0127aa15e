"""The shape of the code: imports in one direction, a public interface that is meant, no labels in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nianbao
from conftest import ROOT

ENGINE = ROOT / "engine" / "nianbao"

# Lower layers first; a module may import from its own layer and from those before it.
LAYERS = (
    ("findings", "errors", "cells", "sheetnames", "filenames", "groups", "workers", "rendering.marks"),
    ("fields", "values", "report", "raw", "outputs.files", "outputs.docx", "rendering.package"),
    ("predecessors",),
    (
        "rules.expression",
        "layout",
        "labels",
        "agencies",
        "nesting",
        "validation",
        "rendering.program",
        "rendering.sandbox",
        "comparison.textdiff",
        "charts",
        "policy",
    ),
    ("claims",),
    ("rules", "rendering.words", "rendering.template"),
    ("rules.yearly", "rendering.lint", "rendering.safety", "rendering.balance", "pack", "suspects"),
    ("packlint", "packnew", "blanks", "rendering.context", "readers"),
    ("bind", "inputs", "manifest", "comparison.differences"),
    ("previous", "waivers", "beside", "comparison.matching"),
    ("pipeline",),
    ("comparison", "consolidation"),
    ("ledger",),
    ("outputs",),
    ("batch", "cluster", "collecting"),
    ("web",),
    ("cli",),
)


def layer(module: str) -> int:
    """Return the layer of a module; the longest name that matches counts."""
    matches = [
        (len(name), index)
        for index, names in enumerate(LAYERS)
        for name in names
        if module == name or module.startswith(f"{name}.")
    ]
    assert matches, f"{module} stands in no layer: add it to LAYERS"
    return max(matches)[1]


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(ENGINE.rglob("*.py")):
        name = ".".join(path.relative_to(ENGINE).with_suffix("").parts)
        if name != "__init__":
            found.append((name.removesuffix(".__init__"), path))
    return found


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("nianbao."):
            base = node.module.removeprefix("nianbao.")
            inner = [f"{base}.{alias.name}" for alias in node.names]
            found |= {name if (ENGINE / f"{name.replace('.', '/')}.py").exists() else base for name in inner}
    return found


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: str(value)[-30:])
def test_a_lower_layer_never_imports_an_upper_one(module: str, path: Path) -> None:
    for other in imports(path):
        assert layer(other) <= layer(module), f"{module} imports {other}, which stands above it"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: imports(path) for name, path in modules()}

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        queue = [start]
        while queue:
            for other in graph.get(queue.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    queue.append(other)
        return seen

    assert [name for name in graph if name in reach(name)] == []


def test_only_one_module_imports_docxtpl() -> None:
    pattern = re.compile(r"^\s*(from|import) docxtpl", re.MULTILINE)
    users = [name for name, path in modules() if pattern.search(path.read_text("utf-8"))]
    assert users == ["rendering.template"]


def test_the_public_interface_is_what_all_says() -> None:
    assert sorted(nianbao.__all__) == nianbao.__all__
    for name in nianbao.__all__:
        assert getattr(nianbao, name) is not None


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("docxtpl", "lxml", "openpyxl", "numpy", "jsonschema", "python_calamine", "rich", "jinja2")
    code = f"import sys, nianbao.cli.app; print([m for m in {heavy!r} if m in sys.modules])"
    # Typer itself may bring rich; everything else waits until a command runs.
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(ast.literal_eval(out)) <= {"rich"}


def test_the_engine_holds_no_label_of_a_report_kind() -> None:
    labels = re.compile("本年新收|上年结转|予以公开|部分公开|结转下年|复议|诉讼|规范性文件|行政许可|自然人")
    found = [
        f"{path.name}:{number}"
        for _, path in modules()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if labels.search(line)
    ]
    assert found == []
