"""Rewrite every address in uv.lock to a host that does not exist, keeping versions and hashes.

The lock then says nothing about whose mirror made it; `uv sync` re-resolves with the locked
versions as preferences, from whatever index the user has. Usage: neutral_lock.py uv.lock
"""

import re
import sys
from pathlib import Path

NEUTRAL = "https://package-index.invalid"


def neutralise(text: str) -> str:
    """Replace scheme and host of every http(s) address."""
    text = re.sub(r'(registry = ")https?://[^"]*(")', rf"\g<1>{NEUTRAL}/simple\g<2>", text)
    return re.sub(r'(url = ")https?://[^/"]+/(?:[^"]*/)?', rf"\g<1>{NEUTRAL}/files/", text)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(neutralise(path.read_text()))
