"""Statutory annual reports from spreadsheets."""
