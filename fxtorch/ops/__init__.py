"""Pure operators: arrays in, arrays out.  Importing this package fills the one table."""

from fxtorch.ops import comparison as comparison
from fxtorch.ops import complex as complex
from fxtorch.ops import cumulative as cumulative
from fxtorch.ops import decomposition as decomposition
from fxtorch.ops import exponential as exponential
from fxtorch.ops import extrema as extrema
from fxtorch.ops import linalg as linalg
from fxtorch.ops import logical as logical
from fxtorch.ops import matmul as matmul
from fxtorch.ops import norms as norms
from fxtorch.ops import pointwise as pointwise
from fxtorch.ops import reduction as reduction
from fxtorch.ops import rounding as rounding
from fxtorch.ops import search as search
from fxtorch.ops import sorting as sorting
from fxtorch.ops import special as special
from fxtorch.ops import trigonometry as trigonometry
