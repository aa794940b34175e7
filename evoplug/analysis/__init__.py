"""Comparisons, plots and reports. They read run folders, never a live run."""
