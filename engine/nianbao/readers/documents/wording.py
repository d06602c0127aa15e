"""Labels of finished documents: which label of the form a cell means, and how its wording differs.

Punctuation, brackets, spaces and full or half width are no wording. A listed variant, a lost or a wrong
character are forgiven and noted, so that a person learns of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import Literal

from nianbao.labels import normal
from nianbao.pack import Pack

# How near a label must come to be taken for one of the form, and how much nearer than to any other.
_NEAR, _CLEARLY = 0.7, 0.08
_SHORTEST, _LONGEST = 2, 60
_FIGURE = re.compile(r"[+-]?[\d,]*\.?\d+%?\D{0,3}(?:[(（].*[)）])?|[/\\-]*", re.DOTALL)

How = Literal["exact", "variant", "near"]


@dataclass(frozen=True)
class FormLabels:
    """The labels of the grids of a pack, ready to be compared."""

    pack: Pack

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The text of each label as the form prints it, by its canonical form."""
        canonical = self.pack.labels.canonical
        return {canonical(c.text): c.text for grid in self.pack.layout.grids for c in grid.labels}

    @cached_property
    def bare(self) -> Mapping[str, str]:
        """The canonical form of each label and listed variant, by what is left without punctuation."""
        variants = {bare(v): label for v, label in self.pack.labels.variants.items() if label in self.texts}
        return variants | {bare(text): text for text in self.texts}

    @lru_cache(maxsize=2048)  # noqa: B019 - one for each pack, for as long as the pack
    def match(self, text: str) -> tuple[str, How] | None:
        """Return the canonical label that a text means and how it was known, or None."""
        plain = normal(text)
        if plain in self.texts:
            return plain, "exact"
        core = bare(plain)
        found = self.bare.get(core)
        if found is not None:
            return found, "exact" if bare(found) == core else "variant"
        if not _SHORTEST <= len(core) <= _LONGEST or _FIGURE.fullmatch(plain):
            return None
        near = self._nearest(core)
        return (near, "near") if near else None

    def _nearest(self, core: str) -> str | None:
        scores: dict[str, float] = {}
        for other, label in self.bare.items():
            matcher = SequenceMatcher(None, core, other, autojunk=False)
            if matcher.real_quick_ratio() >= _NEAR and matcher.quick_ratio() >= _NEAR:
                scores[label] = max(scores.get(label, 0.0), matcher.ratio())
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:2]
        if not best or scores[best[0]] < _NEAR:
            return None
        clear = len(best) == 1 or scores[best[0]] - scores[best[1]] >= _CLEARLY
        return best[0] if clear else None


@dataclass
class LabelReader:
    """Reads the label cells of one document and remembers those whose wording differs."""

    labels: FormLabels
    strange: dict[str, str] = field(default_factory=dict)

    def __call__(self, value: object) -> str | None:
        """Return the canonical label of a cell, or None where it is none."""
        if not isinstance(value, str) or value.isdecimal() or not value.strip():
            return None
        found = self.labels.match(value)
        if found is None:
            return None
        if found[1] != "exact":
            self.strange.setdefault(value, found[0])
        return found[0]


@lru_cache(maxsize=8)
def form_labels(pack: Pack) -> FormLabels:
    """Return the labels of a pack, made once."""
    return FormLabels(pack)


def bare(text: str) -> str:
    """Return the letters and digits of a text in normal form: what is left of its wording."""
    return "".join(char for char in normal(text) if char.isalnum())


def one_line(text: str) -> str:
    """Return a label as it is quoted: wrapped lines joined."""
    return "".join(line.strip() for line in text.splitlines())
