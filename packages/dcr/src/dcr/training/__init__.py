"""Fine-tuning of critics and refiners."""
