"""Networks, a file a family.

Each builds an ``nn.Sequential`` whose children, by their names, are its layers: what tasks can share one by one.
"""
