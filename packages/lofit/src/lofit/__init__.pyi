# The public names, imported on first use so that `--help` stays fast.
from .heads.activations import collect_head_activations as collect_head_activations
from .heads.ranking import HeadRanking as HeadRanking
from .heads.ranking import rank_heads as rank_heads
from .heads.select import select_heads as select_heads
from .offsets.adapter import LofitAdapter as LofitAdapter
from .offsets.merge import merge as merge
from .offsets.merge_check import verify_merge as verify_merge
from .offsets.tune import tune_offsets as tune_offsets
from .records import SelectConfig as SelectConfig
from .records import TuneConfig as TuneConfig
from .scoring.multiple_choice import score_multiple_choice as score_multiple_choice
from .serving.lofit_model import LofitModel as LofitModel
