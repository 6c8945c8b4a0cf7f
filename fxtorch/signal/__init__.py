"""torch.signal: tools of signal processing."""

from fxtorch.signal import windows as windows
