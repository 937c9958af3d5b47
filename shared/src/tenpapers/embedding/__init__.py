"""Sentence encoders, exact streaming search, and faiss indexes."""

from .encoder import Encoder
from .index import DenseIndex
from .search import search
from .shards import EmbeddingShards

__all__ = ["DenseIndex", "EmbeddingShards", "Encoder", "search"]
