"""Reading a long text once and answering many questions about it."""
