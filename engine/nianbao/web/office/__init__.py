"""The page of the office that collects: ledger, notices, roll-up.

`given` is what a collection is made from, `space` looks at it again when something changes, `ledger`,
`notices`, `rolling` and `matrix` are what the pages say, `pages` serves them.
"""
