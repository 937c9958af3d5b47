# The public names, imported on first use so that `--help` stays fast.
from .retrieval.bm25 import BM25 as BM25
from .retrieval.chunk import chunk as chunk
from .retrieval.dense_index import DenseIndex as DenseIndex
from .retrieval.encoder import Encoder as Encoder
from .retrieval.rerank import rerank as rerank
