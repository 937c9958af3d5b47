"""From published files to datasets: real contexts and the synthetic variants of the study."""
