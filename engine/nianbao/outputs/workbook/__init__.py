"""What all workbooks share: safe cells, whole files, styles."""
