"""Learned weight sharing: many tasks, and who of them shares which weights, learned together with the weights."""
