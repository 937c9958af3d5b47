"""Published files and what people have, as records."""
