"""From a sample to its raw embedding: views, windows, encoder calls."""
