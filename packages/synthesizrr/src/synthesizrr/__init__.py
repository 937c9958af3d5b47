"""SynthesizRR: data sets by retrieval and refinement."""
