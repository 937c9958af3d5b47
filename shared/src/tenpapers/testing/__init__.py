"""What the tests of every package need: real inputs, command lines, rows, runs, tiny checkpoints.

A package's conftest imports what it uses; the functions that make fixtures are called there:
`data = data_fixture("lofit")`.
"""

from .command_lines import (
    Cli,
    cli_fixture,
    command,
    fails,
    imports_of_help,
    parse,
    process,
    start,
)
from .journals import Journalled, check_journal, kill_process, kill_when
from .published_files import (
    data_fixture,
    exactly_published,
    fetched,
    published,
    web_server,
    whole_acceptance,
)
from .rows import Rows, read_rows, write_rows
from .servers import chat_server, vllm_server
from .tiny_models import byte_tokenizer, tiny_checkpoint, tiny_model

__all__ = [
    "Cli",
    "Journalled",
    "Rows",
    "byte_tokenizer",
    "chat_server",
    "check_journal",
    "cli_fixture",
    "command",
    "data_fixture",
    "exactly_published",
    "fails",
    "fetched",
    "imports_of_help",
    "kill_process",
    "kill_when",
    "parse",
    "process",
    "published",
    "read_rows",
    "start",
    "tiny_checkpoint",
    "tiny_model",
    "vllm_server",
    "web_server",
    "whole_acceptance",
    "write_rows",
]
