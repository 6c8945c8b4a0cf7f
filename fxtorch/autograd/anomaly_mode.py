"""Anomaly detection: NaN in a backward names the forward line that led to it."""

from __future__ import annotations

from fxtorch.tensor.modes import modes


class detect_anomaly:
    """Within it, forward calls remember where they were made, and a backward that yields NaN raises and says so.

    Raises:
        RuntimeError: (from ``backward``) a gradient is NaN; a warning before it shows the forward call's traceback.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.mode = True
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self._before = modes.anomaly, modes.check_nan
        modes.anomaly, modes.check_nan = self.mode, self.check_nan

    def __exit__(self, *exc: object) -> None:
        modes.anomaly, modes.check_nan = self._before


class set_detect_anomaly(detect_anomaly):
    """Switch anomaly detection on or off: at once, and as a context manager until its end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self.mode = mode
        self._before = modes.anomaly, modes.check_nan
        modes.anomaly, modes.check_nan = mode, check_nan

    def __enter__(self) -> None:
        pass


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return modes.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection looks for NaN."""
    return modes.check_nan


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switch anomaly detection on or off."""
    modes.anomaly, modes.check_nan = bool(mode), bool(check_nan)
