"""Claims: the figures that a text states, with the thing that each counts, compared with the tables.

``numerals`` reads numbers, ``sentences`` finds the sentences worth reading, ``words`` turns one into tokens
by the pack's word lists, ``binding`` binds each number to a figure, ``comparing`` holds it against a report.
Precision comes before recall: where one word around a number is not understood, nothing is claimed.
"""

from __future__ import annotations

from nianbao.claims.comparing import Contradiction, contradictions, growth_contradictions
from nianbao.claims.source import ClaimReader, read_claims

__all__ = ["ClaimReader", "Contradiction", "contradictions", "growth_contradictions", "read_claims"]
