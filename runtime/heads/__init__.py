"""The small parts that adapt, written once in the array API."""
