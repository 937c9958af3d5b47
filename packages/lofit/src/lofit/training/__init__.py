"""One training loop for scales, offsets and every trained baseline."""
