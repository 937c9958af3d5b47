# The public names, imported on first use so that `--help` stays fast.
from .inputs.examples import read_examples as read_examples
from .records import Example as Example
from .scoring.lengths import mean_words as mean_words
