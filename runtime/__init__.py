"""The device part: capture, encoders, heads, gallery, decisions. Never imports torch."""
