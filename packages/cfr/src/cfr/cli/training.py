"""Commands of training."""

from tenpapers.cli import make_app

app = make_app("")
