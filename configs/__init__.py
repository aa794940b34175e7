"""Presets: one TOML file each, named by their path, e.g. ``leea/adam``."""
