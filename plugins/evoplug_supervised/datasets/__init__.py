"""Data sets, a file a format."""
