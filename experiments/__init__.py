"""Seven systems, each a script that reads top to bottom; ``python -m experiments`` lists, runs and compares them."""
