"""What was changed and why, for people: on a terminal, and as a page."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

import typer
from tenpapers.report import Table, Value

from ..records import WHOLE_RESPONSE, Critique, Refined

_TOKENS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """A piece of a text beside what became of it."""

    kind: Literal["same", "deleted", "added"]
    text: str


def diff(before: str, after: str) -> list[Piece]:
    """Two texts as one: what stayed, what went, what came; word by word, blanks and all."""
    first, second = _TOKENS.findall(before), _TOKENS.findall(after)
    pieces: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(first[i:j])))
            continue
        pieces += [
            Piece(how, text)  # type: ignore[arg-type]
            for how, text in (("deleted", "".join(first[i:j])), ("added", "".join(second[k:m])))
            if text
        ]
    return pieces


def told(row: Refined, *, colour: bool) -> str:
    """A refined response for a terminal: its changes in place, and the critiques below.

    Parameters
    ----------
    colour : red and green, else `[-gone-]` and `{+come+}`.
    """
    parts = "".join(_marked(piece, colour) for piece in diff(row.response, row.refined))
    blocks = [parts, _verdict(row)]
    if row.critiques:
        blocks.append(critique_table(row.critiques).text())
    return "\n\n".join(blocks)


def critique_table(critiques: Sequence[Critique]) -> Table:
    """What critics said of sentences, a line each."""
    rows: list[list[Value]] = [
        [
            "all" if one.sentence_idx == WHOLE_RESPONSE else one.sentence_idx + 1,
            one.verdict,
            _plain(one.span or ""),
            {None: "", "": "(remove)"}.get(one.fix, _plain(one.fix or "")),
            _plain(one.reasoning or one.raw),
        ]
        for one in critiques
    ]
    return Table("Critiques", ["sentence", "verdict", "error span", "fix", "reason"], rows)


def page(rows: Sequence[Refined]) -> str:
    """One HTML page of refined responses: changes in place, reasons below, the documents folded."""
    counts = f"{len(rows)} responses, {sum(row.changed for row in rows)} changed"
    return _PAGE.format(counts=counts, body="\n".join(map(_article, rows)))


def _verdict(row: Refined) -> str:
    if row.rejected:
        return f"The refinement was rejected ({row.rejection}); the response stays as it is."
    if row.changed:
        return f"Changed by {row.recipe}."
    if row.response_ok:
        return "Every sentence is supported; nothing was changed."
    return "Nothing was changed."


def _marked(piece: Piece, colour: bool) -> str:
    text = _plain(piece.text, keep="\n\t")
    if piece.kind == "same":
        return text
    if colour:
        gone = piece.kind == "deleted"
        return typer.style(text, fg="red" if gone else "green", strikethrough=gone, bold=not gone)
    return f"[-{text}-]" if piece.kind == "deleted" else f"{{+{text}+}}"


def _plain(text: str, keep: str = "") -> str:
    """A text without what moves a terminal's cursor or colours it."""
    return "".join(
        one if one in keep or not unicodedata.category(one).startswith("C") else " " for one in text
    )


def _article(row: Refined) -> str:
    tags = {"same": "{}", "deleted": "<del>{}</del>", "added": "<ins>{}</ins>"}
    text = "".join(
        tags[piece.kind].format(escape(piece.text)) for piece in diff(row.response, row.refined)
    )
    reasons = "\n".join(
        "<li>"
        + " ".join(
            [
                f"<b>{escape(one.span)}</b>" if one.span else f"<i>{one.verdict}</i>",
                f"&rarr; <b>{escape(one.fix) or '(remove)'}</b>" if one.fix is not None else "",
                escape(one.reasoning or one.raw),
            ]
        )
        + "</li>"
        for one in row.critiques
    )
    return (
        f"<article><h2>{escape(row.id)}</h2><p class='verdict'>{escape(_verdict(row))}</p>"
        f"<pre>{text}</pre>"
        + (f"<ol>{reasons}</ol>" if reasons else "")
        + f"<details><summary>Document</summary><pre>{escape(row.document)}</pre></details>"
        "</article>"
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Refined responses</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }}
pre {{ font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }}
article {{ border-top: 1px solid #999; }}
h2 {{ font-size: 1.1em; }}
.verdict {{ color: #555; }}
del {{ color: #b00020; background: #fde7ea; }}
ins {{ color: #00612e; background: #e0f4e8; font-weight: bold; text-decoration: none; }}
</style>
</head>
<body>
<h1>Refined responses</h1>
<p>{counts}. <del>Struck out</del> went, <ins>bold</ins> came.</p>
{body}
</body>
</html>
"""
