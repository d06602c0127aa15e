"""Finished reports: a file becomes a `document`, and `finished` reads it through the template's layout."""
