"""Comparison of reports, of two or of two sets: `comparing` is the way, `differences` what comes back."""
