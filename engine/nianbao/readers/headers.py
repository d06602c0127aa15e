"""Headers to fields: which field a column (or a column and a row) of a sheet means, by its labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from nianbao.fields import Field, generic
from nianbao.labels import normal
from nianbao.pack import Pack

_JOINTS = re.compile(r"[·•/\\|｜>＞→\n-]+")


@dataclass(frozen=True)
class Vocabulary:
    """The words of each field of a pack, to find the one field that a set of labels can only mean."""

    pack: Pack

    @cached_property
    def _words(self) -> Mapping[str, frozenset[str]]:
        """All words that may stand over or beside a field, by field."""
        return {field.path: frozenset(self._field_words(field)) for field in self.pack.fields.plain}

    @cached_property
    def _leaf(self) -> Mapping[str, frozenset[str]]:
        """The words of which one must be there: the field's own, not those of its table."""
        return {field.path: frozenset(self._leaf_words(field)) for field in self.pack.fields.plain}

    @cached_property
    def _by_leaf(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for path, words in self._leaf.items():
            for word in words:
                found.setdefault(word, []).append(path)
        return {word: tuple(paths) for word, paths in found.items()}

    def _field_words(self, field: Field) -> Iterable[str]:
        table = self.pack.table_of(field.path)
        names = (table.name, table.title, f"{table.name}{table.title}") if table else ()
        return map(normal, (*field.labels, *field.parts, *field.place.split("·"), field.header, *names))

    def _leaf_words(self, field: Field) -> Iterable[str]:
        # A text is headed by its topic (（一）主动公开), not by the word for its body; so is an only child.
        own = [field.title, field.header, field.place.split("·")[-1]]
        parent = field.path.rpartition(".")[0]
        if sum(f.path.startswith(f"{parent}.") for f in self.pack.fields.plain) == 1:
            own.append(self.pack.fields.nodes[parent].title)
        return map(normal, own)

    def tokens(self, labels: Iterable[object]) -> frozenset[str]:
        """Return labels as canonical words; a label that joins several (表三·新收·总计) is taken apart."""
        found: set[str] = set()
        for label in labels:
            known = self.pack.labels
            steps = [label] if known.is_label(label) else _JOINTS.split(str(label))
            found |= {known.canonical(step) for step in steps if str(step).strip()}
        return frozenset(found)

    def candidates(self, tokens: frozenset[str]) -> list[str]:
        """Return the fields that `tokens` can mean: all of them are words of the field, one its own."""
        paths = {path for token in tokens for path in self._by_leaf.get(token, ())}
        return sorted(path for path in paths if tokens <= self._words[path])

    def field(self, tokens: frozenset[str]) -> str | None:
        """Return the one field that `tokens` mean, or None if there is none or more than one."""
        found = self.candidates(tokens)
        return found[0] if len(found) == 1 else self._closest(found, tokens)

    def _closest(self, found: list[str], tokens: frozenset[str]) -> str | None:
        """Return the candidate that `tokens` name whole: the only one whose last label is among them."""
        named = [p for p in found if normal(self.pack.fields.by_path[p].header) in tokens]
        exact = [p for p in named if len(self.pack.fields.by_path[p].labels) == 1]
        return exact[0] if len(exact) == 1 else named[0] if len(named) == 1 else None

    def is_path(self, text: object) -> bool:
        """Return whether `text` is the path of a field."""
        return isinstance(text, str) and (
            text in self.pack.fields.by_path or generic(text) in self.pack.fields.by_path or self.is_map(text)
        )

    def is_map(self, text: object) -> bool:
        """Return whether `text` is the path of a map, which stands in one cell as lines ``position=text``."""
        return text in self.pack.fields.maps


@lru_cache(maxsize=8)
def vocabulary(pack: Pack) -> Vocabulary:
    """Return the vocabulary of a pack, made once."""
    return Vocabulary(pack)
