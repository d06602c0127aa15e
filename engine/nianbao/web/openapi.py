"""The description of the service as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nianbao import __version__
from nianbao.web.settings import MEGABYTE, Limits

_STRING = {"type": "string"}
_COUNTED = {"type": "integer", "minimum": 1}
_VALUE = {"type": ["integer", "string", "boolean", "null"]}
_FILES = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}

_OPTIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "pack": ("报表包的 id，见 /api/packs；不写时为启动时的报表包", _STRING),
    "blank_as_zero": ("空格按0处理的理由，记入提示", _STRING),
    "format": (
        "输出形式",
        {"type": "string", "enum": ["docx", "pdf", "html", "html-fragment"], "default": "docx"},
    ),
    "template": ("报表包里模板的名称，见 /api/packs", _STRING),
    "allow_errors": ("未通过校验的也生成的理由；文件名中有“未通过校验”", _STRING),
    "agency": ("单位名称", _STRING),
    "year": ("报告年度", {"type": "string", "pattern": "^[0-9]{4}$"}),
}
_PARTS: Mapping[str, str] = {
    "files": "表格、数据或已成文的报告：.xlsx .xls .ods .csv .json .jsonl .docx .pdf .html .txt .md",
    "previous": "上年数据，用来核对结转等",
    "aliases": "别名表：改名、合并、拆分、撤销的单位",
    "waivers": "情况说明表",
}

_SCHEMAS: Mapping[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {**_STRING, "description": "给程序看的词，如 too-large"},
                    "message": {**_STRING, "description": "给人看的一句话：什么、在哪里、怎么办"},
                },
            }
        },
    },
    "Where": {
        "type": "object",
        "description": "位置；只有适用的项",
        "properties": {
            **dict.fromkeys(("file", "sheet", "cell", "pointer"), _STRING),
            **dict.fromkeys(("page", "table", "row", "column", "line"), _COUNTED),
            "box": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        },
    },
    "Suspect": {
        "type": "object",
        "description": "改动后所有勾稽关系都成立的最少几格，最可能的在前",
        "required": ["changes", "reason", "group"],
        "properties": {
            "changes": {"type": "object", "additionalProperties": _VALUE},
            "reason": _STRING,
            "group": {"type": ["string", "null"]},
        },
    },
    "Finding": {
        "type": "object",
        "required": [
            "rule",
            "severity",
            "field",
            "where",
            "message",
            "expected",
            "actual",
            "suspects",
            "basis",
        ],
        "properties": {
            "rule": _STRING,
            "severity": {"enum": ["error", "warning", "info"]},
            "field": {"type": ["string", "null"]},
            "where": {"$ref": "#/components/schemas/Where"},
            "message": _STRING,
            "expected": _VALUE,
            "actual": _VALUE,
            "suspects": {"type": "array", "items": {"$ref": "#/components/schemas/Suspect"}},
            "basis": _STRING,
            "waiver": {"type": ["object", "null"], "description": "单位的情况说明"},
        },
    },
    "Report": {"type": "object", "description": "一份报告的数据，结构见 /api/packs 中报表包的 schema"},
    "Unreadable": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["file", "message"],
            "properties": {"file": _STRING, "message": _STRING},
        },
    },
}


def _report(required: tuple[str, ...], more: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "agency": _STRING,
        "year": {"type": ["integer", "null"]},
        "source": {"$ref": "#/components/schemas/Where"},
        "findings": {"type": "array", "items": {"$ref": "#/components/schemas/Finding"}},
        **more,
    }
    return {
        "type": "object",
        "required": ["agency", "year", "source", "findings", *required],
        "properties": properties,
    }


def _result(report: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["pack", "reports", "unreadable"],
        "properties": {
            "pack": _STRING,
            "reports": {"type": "array", "items": report},
            "unreadable": {"$ref": "#/components/schemas/Unreadable"},
            **more,
        },
    }


_CHECK = _result(
    _report(("status",), {"status": {"enum": ["pass", "warn", "fail"]}}),
    {
        "summary": {
            "type": "object",
            "required": ["reports", "passed", "failed", "errors", "warnings"],
            "additionalProperties": {"type": "integer"},
        }
    },
)
_READ = _result(_report(("data",), {"data": {"$ref": "#/components/schemas/Report"}}), {})


def document(limits: Limits) -> dict[str, Any]:
    """Return the description; it is plain JSON data."""
    allowed = (
        f"一次最多{limits.files}个文件、{limits.request // MEGABYTE}MB，解压后{limits.inflated // MEGABYTE}MB"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nianbao",
            "version": __version__,
            "description": f"法定年度报告：读入、核对、生成。请求带来的内容答复后即删除。{allowed}。",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": {**_SCHEMAS, "Check": _CHECK, "Read": _READ},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths() -> dict[str, Any]:
    check = _ref("Check")
    binary: dict[str, Any] = {
        kind: {} for kind in ("application/octet-stream", "application/zip", "text/html")
    }
    return {
        "/api/check": _post(
            "check",
            "核对报告，与 nianbao check --format json 相同",
            _ALL,
            ("blank_as_zero",),
            {"200": check},
        ),
        "/api/render": _post(
            "render",
            "生成报告；几份时为.zip。有错误而没有 allow_errors 时答复409和核对结果",
            _ALL,
            ("blank_as_zero", "format", "template", "allow_errors"),
            {"200": _answer("文件", binary), "409": check},
        ),
        "/api/read": _post(
            "read", "读入任何一种输入，答复数据", ("files",), ("blank_as_zero",), {"200": _ref("Read")}
        ),
        "/api/form": _post(
            "form",
            "填报表（.xlsx）：空白的，或用 previous 预填结转等栏",
            ("previous",),
            ("agency", "year"),
            {"200": _answer("填报表", {"application/octet-stream": {}})},
            json=False,
        ),
        "/api/packs": {
            "get": {
                "operationId": "packs",
                "summary": "可用的报表包，各有数据的结构（JSON Schema）和模板",
                "responses": {"200": _answer("报表包", {"application/json": {"schema": {"type": "object"}}})},
            }
        },
    }


_ALL = ("files", "previous", "aliases", "waivers")
_REFUSALS = {
    "401": "没有口令或口令不对",
    "403": "来自另一个网站的请求",
    "404": "没有这个报表包",
    "413": "太大或文件太多",
    "415": "不是 multipart 或 JSON",
    "422": "没有一份可以读出，或选项有误",
}


def _post(
    name: str,
    summary: str,
    parts: tuple[str, ...],
    options: tuple[str, ...],
    answers: Mapping[str, Any],
    json: bool = True,
) -> dict[str, Any]:
    named = {name: {**_OPTIONS[name][1], "description": _OPTIONS[name][0]} for name in ("pack", *options)}
    files = {part: {**_FILES, "description": _PARTS[part]} for part in parts}
    form = {"type": "object", "properties": {**files, **named}}
    bodies: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if json:
        report = {"$ref": "#/components/schemas/Report"}
        reports = {"type": "array", "items": report}
        several = {
            "type": "object",
            "required": ["reports"],
            "properties": {"reports": reports, "previous": reports},
        }
        bodies["application/json"] = {"schema": {"anyOf": [several, reports, report]}}
    parameters = [
        {"name": name, "in": "query", "description": _OPTIONS[name][0], "schema": _OPTIONS[name][1]}
        for name in ("pack", *options)
    ]
    refusals = {status: _answer(words, _error()) for status, words in _REFUSALS.items()}
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "parameters": parameters,
            "requestBody": {"required": json, "content": bodies},
            "responses": {**answers, **{k: v for k, v in refusals.items() if k not in answers}},
        }
    }


def _ref(name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return _answer({"Check": "核对结果", "Read": "数据"}[name], {"application/json": {"schema": schema}})


def _error() -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


def _answer(words: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": dict(content)}
