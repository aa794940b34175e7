"""Mutation ``unreadable``."""

from evoplug.contracts import Mutation


class Unreadable(Mutation, genome="real-vector":
    """Lacks a bracket."""
