"""Offline statistics and priors that ship in a bundle; quantization."""
