"""A stranger that demands of the contracts all that the published methods do; never shipped."""
