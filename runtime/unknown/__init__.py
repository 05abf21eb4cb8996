"""Scores, impostors and thresholds behind the answer 'unknown'."""
