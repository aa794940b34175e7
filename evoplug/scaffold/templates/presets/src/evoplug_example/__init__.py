"""Presets for evoplug."""
