"""Labels as people type them: what is forgiven when a header or a row is matched by its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nianbao.fields import FieldSet

_ENUMERATED = re.compile(r"^(\d+)[、.,]")
_SAME = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "。": ".", "─": "-", "—": "-", "–": "-"})


def normal(text: object) -> str:
    """Return `text` as labels are compared: NFKC, no white space, quotes and enumeration unified."""
    plain = unicodedata.normalize("NFKC", str(text)).translate(_SAME)
    return _ENUMERATED.sub(r"\1.", re.sub(r"\s", "", plain)).casefold()


@dataclass(frozen=True)
class Labels:
    """The labels of a pack and the variants that stand for them, all in normal form."""

    variants: Mapping[str, str]
    known: frozenset[str] = field(default_factory=frozenset)

    def canonical(self, text: object) -> str:
        """Return the normal form of the label that `text` is a variant of, or its own normal form."""
        plain = normal(text)
        return plain if plain in self.known else self.variants.get(plain, plain)

    def is_label(self, text: object) -> bool:
        """Return whether `text` is a label of the pack or a variant of one."""
        plain = normal(text)
        return plain in self.known or plain in self.variants


def read_labels(variants: Mapping[str, Iterable[str]], fields: FieldSet, printed: Iterable[str]) -> Labels:
    """Return the labels of a schema and of a template's cells (`printed`), with their variants."""
    known = {normal(text) for text in printed}
    for node in fields.nodes.values():
        known |= {normal(text) for text in (*node.labels, *node.parts) if text}
    table = {normal(v): normal(label) for label, others in variants.items() for v in others}
    return Labels({v: label for v, label in table.items() if v not in known}, frozenset(known))
