"""From a running source to events: what is there now, since when, and when it ended."""
