"""What the seven scripts share around their training loops: options, progress, checkpoints, pictures, comparison."""
