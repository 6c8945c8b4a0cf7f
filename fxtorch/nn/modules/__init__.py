"""The layers, in torch's own file names."""
