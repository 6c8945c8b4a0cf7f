"""torch.fx.passes: what goes through a graph and notes something about each step."""
