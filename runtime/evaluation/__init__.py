"""Episodes, metrics and corruptions: the yardstick."""
