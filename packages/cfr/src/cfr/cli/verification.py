"""Commands of verification."""

from tenpapers.cli import make_app

app = make_app("")
