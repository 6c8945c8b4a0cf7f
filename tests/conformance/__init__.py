"""PyTorch's own operator database, ``op_db``, run on fxtorch: ``python -m tests.conformance``."""
