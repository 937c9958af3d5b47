# The public names, imported on first use so that `--help` stays fast.
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
