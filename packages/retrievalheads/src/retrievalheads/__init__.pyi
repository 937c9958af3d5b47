# The public names, imported on first use so that `--help` stays fast.
from .heads.detect import detect as detect
from .heads.head_sets import head_set as head_set
from .heads.head_sets import ranked as ranked
from .heads.overlap import compare as compare
from .heads.score_files import HeadScores as HeadScores
from .inputs.prompt_rendering import render as render
from .inputs.token_spans import token_spans as token_spans
from .interventions.knockout import knockout as knockout
from .interventions.patching import patched_generate as patched_generate
from .records import Example as Example
from .records import load_examples as load_examples
from .scoring.rank_correlation import spearman as spearman
from .training.context_extension import ntk_theta as ntk_theta
