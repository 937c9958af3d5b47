# The public names, imported on first use so that `--help` stays fast.
from .inputs.clean import clean as clean
from .inputs.judgements import load_judgements as load_judgements
from .inputs.parse_judgement import parse_judgement as parse_judgement
from .inputs.samples import load_samples as load_samples
from .inputs.samples import sample_set as sample_set
from .records import Instance as Instance
from .records import Judgement as Judgement
from .records import SampleSet as SampleSet
from .scoring.coverage import CoverageResult as CoverageResult
from .scoring.coverage import coverage as coverage
from .scoring.lexical import lexical_diversity as lexical_diversity
from .scoring.overlap import jaccard_matrix as jaccard_matrix
from .scoring.rouge import lcs_length as lcs_length
from .scoring.rouge import rouge_l as rouge_l
from .scoring.stance import StanceProfile as StanceProfile
from .scoring.stance import stance_profile as stance_profile
