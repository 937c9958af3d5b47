"""Task inversion: a teacher rewrites documents as examples of a label."""
