"""Ways to learn from a few samples, one a file, over the very heads that run on the device."""
