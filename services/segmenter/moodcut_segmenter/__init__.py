"""Segmenter."""
