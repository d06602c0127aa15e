"""The files of a roll-up: the report with its draft mark, the contribution matrix, the members' texts."""
