"""Offline meta-training: data, episodes, encoders, fusion, learners."""
