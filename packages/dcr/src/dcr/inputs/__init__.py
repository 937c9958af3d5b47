"""How files are read: published ones, and those that people have."""
