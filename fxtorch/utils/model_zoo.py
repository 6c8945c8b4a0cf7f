"""torch.utils.model_zoo: the old name of the hub's loading of weights."""

from fxtorch.hub import download_url_to_file as download_url_to_file
from fxtorch.hub import load_state_dict_from_url
from fxtorch.hub import tqdm as tqdm

load_url = load_state_dict_from_url

__all__ = ["load_state_dict_from_url", "load_url"]
