"""What methods on supervised problems share: data sets, networks, losses, weight vectors, the trainer."""
