"""Training data from a teacher: responses, their labels, the teacher's feedback and revisions."""
