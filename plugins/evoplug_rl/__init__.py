"""Agents that play: environments as evaluators."""
