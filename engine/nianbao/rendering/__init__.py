"""Templates: from a Word file in docxtpl's dialect to documents.

`template` compiles, `program` and `sandbox` are the two ways in which a compiled part runs, `context` is
what it sees; `lint`, `safety` and `balance` say what is wrong with a template before it runs.
"""
