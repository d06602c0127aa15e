"""What a collection gives to people: the ledger, notices, sign-off sheets, further sheets of results."""
