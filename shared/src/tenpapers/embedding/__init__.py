"""Sentence encoders, exact streaming search, faiss indexes, and BM25."""

from .bm25 import Bm25Index
from .encoder import Encoder
from .index import DenseIndex
from .search import search
from .shards import EmbeddingShards

__all__ = ["Bm25Index", "DenseIndex", "EmbeddingShards", "Encoder", "search"]
