"""Networks, a file a family."""
