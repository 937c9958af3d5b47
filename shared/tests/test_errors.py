import json
from dataclasses import dataclass

import pytest
from tenpapers.errors import UserError, first_line, without_credentials
from tenpapers.journal import known_by
from tenpapers.report import manifest
from tenpapers.settings import as_config

PRIVATE, PUBLIC = "openai:m@http://ada:secret@host:8000/v1", "openai:m@http://host:8000/v1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (PRIVATE, PUBLIC),
        ("http://host/users/@ada and ada@host", "http://host/users/@ada and ada@host"),
        ("openai:claude@20240620", "openai:claude@20240620"),
    ],
)
def test_addresses_lose_user_and_password(text, shown):
    assert without_credentials(text) == shown


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (ValueError("\nno such model\nsee https://..."), "no such model"),
        (MemoryError(), "MemoryError"),  # as the parser says of a hundred thousand minus signs
    ],
)
def test_an_exception_is_told_in_one_line_whatever_it_says(error, shown):
    assert first_line(error) == shown


@dataclass(frozen=True)
class Settings:
    model: str
    judges: tuple[str, ...] = ()


def test_no_message_setting_manifest_or_journal_tells_a_password(monkeypatch):
    monkeypatch.setattr("sys.argv", ["tool", "run", "--model", PRIVATE])
    settings = as_config(Settings(PRIVATE, (PRIVATE,)))
    assert settings == {"model": PUBLIC, "judges": [PUBLIC]}
    kept = manifest(settings, seed=0, began=0.0)
    assert kept["command"] == f"tool run --model {PUBLIC}"
    assert "secret" not in json.dumps([kept, known_by(PRIVATE, "1")])
    error = UserError(f"{PRIVATE}: gone", f"is {PRIVATE} right?")
    assert "secret" not in f"{error} {error!r} {error.args}"
