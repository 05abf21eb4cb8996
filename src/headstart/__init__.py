"""Teach a robot or a kiosk a new thing in seconds, on the spot."""
