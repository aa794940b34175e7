"""The doors to DEAP and EvoTorch: loops that their toolboxes turn."""
