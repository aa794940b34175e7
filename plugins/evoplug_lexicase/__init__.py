"""Gradient lexicase selection: a parent is chosen by single training examples."""
