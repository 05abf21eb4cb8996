"""The result page's template and style."""
