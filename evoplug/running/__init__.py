"""One run and many: the problem, the loop, records, checkpoints, the run folder, solutions, sweeps."""
