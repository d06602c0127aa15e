"""Packs: one edition of one report kind, found by folder and tied together from its files."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from nianbao.charts import Chart, read_charts, unknown_sums
from nianbao.claims import ClaimReader, read_claims
from nianbao.errors import PackError
from nianbao.fields import FieldSet, read_fields
from nianbao.labels import Labels, normal, read_labels
from nianbao.layout import Layout
from nianbao.nesting import Nesting
from nianbao.policy import Policy, read_policy, unknown_names
from nianbao.rendering.template import CompiledTemplate, compile_template
from nianbao.rules.compiling import compile_rules
from nianbao.rules.expression import ExpressionError
from nianbao.rules.ruleset import RuleSet
from nianbao.rules.textchecks import Slip
from nianbao.validation import Validator

DEFAULT_PACK = "cn-ogi/2021"
_FILES = ("pack.toml", "schema.json", "rules.toml", "variants.toml")
# A pack whose texts are not held against its tables does without.
_OPTIONAL = ("claims.toml",)


@dataclass(frozen=True)
class Table:
    """A statutory table: the node that holds its fields, its short name (表三) and its title."""

    path: str
    name: str
    title: str


@dataclass(frozen=True, eq=False)
class Pack:
    """An edition of a report kind: its fields, rules, words and templates.

    It is made from `sources` alone (file name to bytes), so it can be sent to another process.
    """

    sources: Mapping[str, bytes]
    template: CompiledTemplate

    def __reduce__(self) -> tuple[object, ...]:
        return _received, (self.digest, dict(self.sources))

    @cached_property
    def meta(self) -> Mapping[str, Any]:
        """What pack.toml says."""
        return _toml(self.sources, "pack.toml")

    @property
    def id(self) -> str:
        """The name of the pack: kind and edition."""
        return str(self.meta["id"])

    @property
    def title(self) -> str:
        """The title of the report kind."""
        return str(self.meta["title"])

    @property
    def layout(self) -> Layout:
        """The layout of the default template."""
        return self.template.layout

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of the exchanged data."""
        schema: Mapping[str, Any] = json.loads(self.sources["schema.json"])
        return schema

    @cached_property
    def validator(self) -> Validator:
        """The validator of the schema."""
        return Validator(self.schema)

    @cached_property
    def fields(self) -> FieldSet:
        """The leaves of the schema."""
        return read_fields(self.schema)

    @cached_property
    def nesting(self) -> Nesting:
        """What makes nested data of values by field."""
        return Nesting(self.fields)

    @cached_property
    def variants(self) -> Mapping[str, Any]:
        """What variants.toml says."""
        return _toml(self.sources, "variants.toml")

    @cached_property
    def labels(self) -> Labels:
        """The labels that readers know, with their variants."""
        cells = (cell.text for grid in self.layout.grids for cell in grid.labels)
        return read_labels(self.variants.get("labels", {}), self.fields, cells)

    @cached_property
    def rules(self) -> RuleSet:
        """The compiled rules."""
        slips = [Slip(re.compile(s["wrong"]), s["right"]) for s in self.variants.get("slips", ())]
        source = _toml(self.sources, "rules.toml")
        return compile_rules(source, self.fields, slips, f"{self.id}/rules.toml", self.claims)

    @cached_property
    def claims(self) -> ClaimReader | None:
        """What finds figures in texts, None for a pack that has no claims.toml."""
        if "claims.toml" not in self.sources:
            return None
        try:
            return read_claims(_toml(self.sources, "claims.toml"), self.fields)
        except (ExpressionError, re.error) as error:
            raise PackError(f"{self.id}/claims.toml：{error}", file="claims.toml") from None

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The statutory tables, in the order of the grids of the default template."""
        return tuple(Table(t["path"], t["name"], t["title"]) for t in self.meta.get("table", ()))

    @cached_property
    def charts(self) -> tuple[Chart, ...]:
        """What is worth a chart over the years."""
        return read_charts(self.meta.get("chart", ()), self.fields)

    @cached_property
    def rollup(self) -> Policy | None:
        """How reports are rolled up, None for a pack that does not say."""
        return read_policy(self.meta, self.fields)

    @cached_property
    def places(self) -> Mapping[str, str]:
        """Plain fields and tables by their positions in the words of the form, in normal form."""
        places = {normal(field.place): field.path for field in self.fields.plain}
        return places | {normal(table.name): table.path for table in self.tables}

    def table_of(self, path: str) -> Table | None:
        """Return the table in which a field stands, or None."""
        return next((t for t in self.tables if path == t.path or path.startswith(f"{t.path}.")), None)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the pack's files."""
        total = hashlib.sha256()
        for name in sorted(self.sources):
            total.update(f"{name}\0{len(self.sources[name])}\0".encode() + self.sources[name])
        return total.hexdigest()


def load_pack(id_or_path: str | Path = DEFAULT_PACK, packs: Iterable[str | Path] = ()) -> Pack:
    """Return the pack of that id (``cn-ogi/2021``; ``cn-ogi`` means its newest edition) or in that folder.

    `packs` are further folders to look in, before those that come with nianbao. A pack whose files are the
    same as before is the same object. Raises PackError.
    """
    folder = Path(id_or_path)
    if not (folder / "pack.toml").is_file():
        folder = _find(str(id_or_path), [Path(p) for p in packs])
    return _linted(tuple(_read_sources(folder).items()))


@lru_cache(maxsize=4)
def _linted(sources: tuple[tuple[str, bytes], ...]) -> Pack:
    pack = pack_from_sources(dict(sources))
    _lint(pack)
    return pack


def list_packs(packs: Iterable[str | Path] = ()) -> list[Path]:
    """Return the folders of all packs that can be found, those of `packs` first."""
    return [found for root in _roots([Path(p) for p in packs]) for found in _pack_folders(root)]


def pack_from_sources(sources: Mapping[str, bytes]) -> Pack:
    """Return the pack that the files make; raises PackError for a file that cannot be read."""
    meta = _toml(sources, "pack.toml")
    first = meta["template"][0]["file"]
    return Pack(sources, compile_template(sources[first], first))


_here: dict[str, Pack] = {}


def _received(digest: str, sources: Mapping[str, bytes]) -> Pack:
    """Return the pack that another process sent; it is compiled once per process."""
    if digest not in _here:
        _here[digest] = pack_from_sources(sources)
    return _here[digest]


def builtin_root() -> Path:
    """Return the folder that holds ``schemas`` and ``templates``: in the wheel, or in the checkout."""
    wheel = Path(__file__).parent / "_packs"
    return wheel if wheel.is_dir() else Path(__file__).parents[2]


def _roots(packs: Iterable[Path]) -> Iterator[Path]:
    for root in (*packs, builtin_root()):
        yield root / "schemas" if (root / "schemas").is_dir() else root


def _pack_folders(root: Path) -> list[Path]:
    return sorted(p.parent for p in (*root.glob("*/pack.toml"), *root.glob("*/*/pack.toml")))


def _find(name: str, packs: Iterable[Path]) -> Path:
    names: list[str] = []
    for root in _roots(packs):
        folders = {folder.relative_to(root).as_posix(): folder for folder in _pack_folders(root)}
        if name in folders:
            return folders[name]
        editions = [n for n in folders if n.startswith(f"{name}/")]
        if editions:
            return folders[max(editions)]
        names += folders
    known = "、".join(dict.fromkeys(names)) or "（无）"
    raise PackError(f"没有报表包“{name}”，可用的有：{known}；自己的报表包请用 --packs 指明所在文件夹")


def _read_sources(folder: Path) -> dict[str, bytes]:
    """Return the files of the pack in `folder`; its templates stand beside it or under ``templates``."""
    sources: dict[str, bytes] = {}
    try:
        for name in _FILES:
            sources[name] = (folder / name).read_bytes()
        for name in _OPTIONAL:
            if (folder / name).is_file():
                sources[name] = (folder / name).read_bytes()
        meta = _toml(sources, "pack.toml")
        files = [template["file"] for template in meta.get("template", ())]
        for name in (*files, *meta.get("documents", {}).values()):
            sources[name] = _template_file(folder, name).read_bytes()
    except FileNotFoundError as error:
        raise PackError(f"报表包{folder}缺少文件{error.filename}", file=str(error.filename)) from None
    return sources


def _template_file(folder: Path, name: str) -> Path:
    beside = folder / name
    if beside.is_file() or "schemas" not in folder.parts:
        return beside
    parts = list(folder.parts)
    index = len(parts) - 1 - parts[::-1].index("schemas")
    parts[index] = "templates"
    return Path(*parts) / name


def _toml(sources: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(sources[name].decode())
    except UnicodeDecodeError:
        raise PackError(f"{name}不是UTF-8编码，请另存为UTF-8", file=name) from None
    except tomllib.TOMLDecodeError as error:
        raise PackError(
            f"{name}写法有误（{_toml_place(str(error))}），请核对引号、括号和等号", file=name
        ) from None


def _toml_place(message: str) -> str:
    """Return where a TOML file cannot be read, in Chinese: tomllib says it in English."""
    found = re.search(r"at line (\d+), column (\d+)", message)
    if found:
        return f"第{found[1]}行第{found[2]}列"
    return "到文件末尾还没有写完" if "end of document" in message else message


def _lint(pack: Pack) -> None:
    """Raise PackError for the first mistake in the pack's files."""
    for name in (*_FILES, *_OPTIONAL):
        if name not in pack.sources:
            continue
        for path, message in _meta_validator(name.partition(".")[0]).explain(_document(pack.sources, name)):
            place = ".".join(str(step) for step in path)
            # What the validator of reports calls a field is an entry here.
            raise PackError(f"{pack.id}/{name}：{place}：{message.replace('栏目', '项目')}", file=name)
    _lint_names(pack)
    if not pack.rules.texts:
        raise PackError(f"{pack.id}/rules.toml没有规则", file="rules.toml")


def _lint_names(pack: Pack) -> None:
    """Raise PackError where pack.toml names a field that the schema does not have."""
    meta = pack.meta
    register = meta.get("register", {})
    named = [path for column in meta.get("summary", ()) for path in column["sum"]]
    named += [path for key in ("first", "after_tables", "last") for path in register.get(key, ())]
    named += [path for pair in meta.get("carry_forward", {}).items() for path in pair]
    named += [
        *meta.get("contact", ()),
        *meta.get("scope", ()),
        *(meta[key] for key in ("category", "code") if key in meta),
    ]
    named += [table.path for table in pack.tables]
    named += [row[key] for row in pack.variants.get("merged_rows", ()) for key in ("instead_of", "reads_as")]
    named += [group["node"] for chart in meta.get("chart", ()) for group in chart["group"]]
    for path in named:
        if path not in pack.fields.nodes:
            raise PackError(f"{pack.id}/pack.toml用了没有的栏目：{path}", file="pack.toml")
    for path in unknown_names(meta["rollup"], pack.fields) if "rollup" in meta else ():
        raise PackError(f"{pack.id}/pack.toml的[rollup]用了没有的栏目：{path}", file="pack.toml")
    for chart in meta.get("chart", ()):
        for path in unknown_sums(chart, pack.fields):
            raise PackError(
                f"{pack.id}/pack.toml图表“{chart['title']}”：没有数字栏目{path}", file="pack.toml"
            )


def _document(sources: Mapping[str, bytes], name: str) -> Any:
    try:
        return json.loads(sources[name]) if name.endswith(".json") else _toml(sources, name)
    except json.JSONDecodeError as error:
        raise PackError(f"{name}写法有误：第{error.lineno}行第{error.colno}列", file=name) from None


def _meta_validator(kind: str) -> Validator:
    path = builtin_root() / "schemas" / "_meta" / f"{kind}.schema.json"
    return Validator(json.loads(path.read_bytes()))
