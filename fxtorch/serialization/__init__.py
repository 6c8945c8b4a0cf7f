"""PyTorch's own files without PyTorch, and without running code from them; and safetensors."""

from fxtorch.serialization.files import DEFAULT_PROTOCOL as DEFAULT_PROTOCOL
from fxtorch.serialization.files import load as load
from fxtorch.serialization.files import save as save
from fxtorch.serialization.inspection import get_unsafe_globals_in_checkpoint as get_unsafe_globals_in_checkpoint
from fxtorch.serialization.places import MapLocation as MAP_LOCATION  # noqa: F401  (torch's name)
from fxtorch.serialization.places import default_restore_location as default_restore_location
from fxtorch.serialization.places import location_tag as location_tag
from fxtorch.serialization.safe_globals import add_safe_globals as add_safe_globals
from fxtorch.serialization.safe_globals import clear_safe_globals as clear_safe_globals
from fxtorch.serialization.safe_globals import get_safe_globals as get_safe_globals
from fxtorch.serialization.safe_globals import safe_globals as safe_globals
from fxtorch.serialization.skipping import skip_data as skip_data
