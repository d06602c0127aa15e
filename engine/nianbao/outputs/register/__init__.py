"""The register and the long layout: many agencies in one workbook."""
