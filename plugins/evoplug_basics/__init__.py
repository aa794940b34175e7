"""First-party basics: real vectors, standard operators, test functions, the libraries' own searchers."""
