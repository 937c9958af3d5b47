# The public names, imported on first use so that `--help` stays fast.
from .answering.prompts import build_messages as build_messages
from .answering.run import run as run
from .extraction.extract import extract as extract
from .inputs.load import load_task as load_task
from .literature import meta_analyse as meta_analyse
from .scoring.equals_sign import equals_split as equals_split
from .scoring.grade import grade as grade
from .scoring.paired_tests import bootstrap_paired as bootstrap_paired
from .scoring.pairs import paired as paired
from .solvers.logic import solve_bool as solve_bool
from .solvers.logic import solve_fol as solve_fol
from .solvers.python import solve_python as solve_python
