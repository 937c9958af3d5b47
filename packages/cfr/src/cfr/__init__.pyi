# The public names, imported on first use so that `--help` stays fast.
from .retrieval.encoder import Encoder as Encoder
