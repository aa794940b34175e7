"""Several tasks at once: which weights their networks share is searched while the weights are trained."""
