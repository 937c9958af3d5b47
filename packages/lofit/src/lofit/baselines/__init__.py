"""What LoFiT is compared with, one module a method."""
