"""What a check or a batch found: workbook, text, JSON."""
