"""LoFiT."""
