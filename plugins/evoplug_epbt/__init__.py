"""EPBT and PBT: populations of networks that are trained and evolved at once."""
