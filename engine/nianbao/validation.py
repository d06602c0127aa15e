"""JSON Schema: jsonschema-rs says quickly whether data is valid, jsonschema explains what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from nianbao.values import shortened

Path = tuple[str | int, ...]


class Validator:
    """A schema, compiled on first use; sees plain dict, list, int, str, bool and None only."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = dict(schema)

    @cached_property
    def _gate(self) -> Callable[[Any], bool]:
        try:
            import jsonschema_rs
        except ImportError:  # no wheel for this platform
            return lambda data: next(self._errors(data), None) is None
        return jsonschema_rs.Draft202012Validator(self.schema).is_valid

    def is_valid(self, data: Any) -> bool:
        """Return whether `data` conforms to the schema."""
        return self._gate(data)

    def explain(self, data: Any) -> Iterator[tuple[Path, str]]:
        """Yield (path, sentence) for every place where `data` does not conform."""
        if self.is_valid(data):
            return
        for error in self._errors(data):
            yield from _sentences(error)

    def _errors(self, data: Any) -> Iterator[Any]:
        import jsonschema

        return jsonschema.Draft202012Validator(self.schema).iter_errors(data)


def _sentences(error: Any) -> Iterator[tuple[Path, str]]:
    """Yield the place and the sentence of one error of jsonschema."""
    path: Path = tuple(error.absolute_path)
    wanted, found = error.validator_value, error.instance
    if error.validator == "required":
        yield from (((*path, name), "缺少") for name in wanted if name not in found)
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (((*path, name), "没有这个栏目，请核对名称") for name in found if name not in known)
    else:
        yield path, _SENTENCES.get(error.validator, _other)(wanted, found)


def _other(wanted: Any, found: Any) -> str:
    return f"不符合要求：{shortened(str(found))}"


_TYPES = {
    "integer": "整数",
    "number": "数字",
    "string": "文字",
    "boolean": "true或false",
    "object": "对象",
    "array": "列表",
    "null": "空",
}


def _type(wanted: Any, found: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return f"是{shortened(repr(found))}，应为{'或'.join(_TYPES[name] for name in names)}"


def _lonely(wanted: Any, found: Any) -> str:
    pairs = ((key, other) for key, others in wanted.items() if key in found for other in others)
    return "；".join(f"{key}只能与{other}一起用" for key, other in pairs if other not in found)


_SENTENCES: Mapping[str, Callable[[Any, Any], str]] = {
    "type": _type,
    "minimum": lambda wanted, found: f"是{found}，不能小于{wanted}",
    "exclusiveMinimum": lambda wanted, found: f"是{found}，应大于{wanted}",
    "maximum": lambda wanted, found: f"是{found}，不能大于{wanted}",
    "minLength": lambda wanted, found: f"不能少于{wanted}个字",
    "maxLength": lambda wanted, found: f"有{len(found)}个字，最多{wanted}个字",
    "maxItems": lambda wanted, found: f"有{len(found)}项，最多{wanted}项",
    "dependentRequired": _lonely,
    "enum": lambda wanted, found: f"是{shortened(str(found))}，应为：{'、'.join(map(str, wanted))}",
    "pattern": lambda wanted, found: f"是“{shortened(str(found))}”，写法不对",
}
