"""How fast the hot loops are, beside what people use instead."""
