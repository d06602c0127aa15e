"""What a collection gives to people: the ledger workbook, notices, sign-off sheets, further sheets of results."""
