"""What SynthesizRR is compared with, one module a method."""
