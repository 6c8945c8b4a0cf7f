"""torch.distributed.fsdp's name for splitting a Module."""

from fxtorch.distributed.sharding import fully_shard as fully_shard
