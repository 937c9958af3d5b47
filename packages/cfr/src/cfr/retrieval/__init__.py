"""First stage and reranking: windows of pages, BM25, dense indexes, encoders."""
