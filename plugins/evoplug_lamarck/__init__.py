"""Lamarckian architecture search: networks as stacks of blocks, whose children keep what their parents learned."""
