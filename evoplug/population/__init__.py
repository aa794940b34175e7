"""Batched work on whole populations."""
