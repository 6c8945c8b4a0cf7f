"""``torch._dynamo.config``: switches of a compiler that is not used here; they are remembered."""

suppress_errors = False
verbose = False
cache_size_limit = recompile_limit = 8
accumulated_cache_size_limit = 256
automatic_dynamic_shapes = True
capture_scalar_outputs = False
optimize_ddp = True
