"""What the ten packages share: records, models, generation, sandbox, reports, command lines.

Import from the modules (`from tenpapers.records import read_jsonl`); nothing is loaded here, so
that importing one module never pays for another.
"""

__version__ = "0.1.0"
