# The public names, imported on first use so that `--help` stays fast.
from .equivalence.lerc import Lerc as Lerc
from .records import Candidates as Candidates
from .records import Claim as Claim
from .records import Page as Page
from .records import Passage as Passage
from .records import Query as Query
from .records import Ranked as Ranked
from .retrieval.bm25 import BM25 as BM25
from .retrieval.chunk import chunk as chunk
from .retrieval.dense_index import DenseIndex as DenseIndex
from .retrieval.encoder import Encoder as Encoder
from .retrieval.rerank import rerank as rerank
from .scoring.averitec import averitec as averitec
from .scoring.rankings import retrieval_metrics as retrieval_metrics
from .scoring.veracity import veracity as veracity
from .verification.judge import Judge as Judge
from .verification.pipeline import verify as verify
