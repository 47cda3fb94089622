"""Freezing reviewed layers into a data set."""
