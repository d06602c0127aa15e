"""The fill-in form: one workbook an agency."""
