"""torch.amp: small floating types where they do, float32 where it matters, and the scaling of losses."""

from fxtorch.amp import autocast_mode as autocast_mode
from fxtorch.amp import grad_scaler as grad_scaler
from fxtorch.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available, is_autocast_enabled
from fxtorch.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available", "is_autocast_enabled"]
