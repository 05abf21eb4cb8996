"""Encoder backends behind one Protocol."""
