"""Commands of retrieval."""

from tenpapers.cli import make_app

app = make_app("")
