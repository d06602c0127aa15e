"""The ledger of a collection: who is to report, what came, what became of it, as values.

`members` reads the roster, `assigning` finds whose a report is, `statuses` derives where an agency stands,
`rounds` compares with an earlier round, `signing` holds signed figures against later ones. Nothing here
reads a folder or writes a file; `collecting` drives it.
"""
