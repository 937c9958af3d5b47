from html.parser import HTMLParser

from dcr.records import Critique, Refined
from dcr.refine.show import Piece, critique_table, diff, page, told

from ..by_hand import detected


def refined(response, after, critiques=(), **more):
    given = {
        "critiques": critiques,
        "refined": after,
        "changed": response != after,
        "recipe": "dcr",
    }
    return Refined(**(dict(detected(response, [0])) | given | more))


CRITIQUE = Critique(
    sentence_idx=0,
    sentence="Bo sat in Oslo.",
    raw="x",
    reasoning="It was <b>Paris</b>.",
    span="Oslo",
    span_offset=(10, 14),
    fix="Paris",
    verdict="error",
)


def test_what_stayed_what_went_and_what_came():
    assert diff("Bo sat  in Oslo.\nHe left.", "Bo sat  in Paris.\nHe") == [
        Piece("same", "Bo sat  in "),
        Piece("deleted", "Oslo"),
        Piece("added", "Paris"),
        Piece("same", ".\nHe"),
        Piece("deleted", " left."),
    ]


def test_a_terminal_is_shown_changes_and_reasons():
    row = refined("Bo sat in Oslo.", "Bo sat in Paris.", [CRITIQUE])
    lines = told(row, colour=False).splitlines()
    assert lines[0] == "Bo sat in [-Oslo-]{+Paris+}."
    assert lines[2] == "Changed by dcr."
    assert lines[-1].split() == ["1", "error", "Oslo", "Paris", "It", "was", "<b>Paris</b>."]
    coloured = told(row, colour=True).splitlines()[0]
    assert "\x1b[31m" in coloured and "\x1b[32m" in coloured and "[-" not in coloured


def test_a_response_cannot_move_the_terminals_cursor():
    row = refined("Bo\x1b[2J sat.", "Bo\x1b[2J sat.")
    assert "\x1b" not in told(row, colour=False)
    hostile = CRITIQUE.model_copy(update={"reasoning": "a\x1b]0;b\nc"})
    assert critique_table([hostile]).rows[0][-1] == "a ]0;b c"


def test_what_is_said_of_a_response_that_stays():
    assert "is supported" in told(refined("Bo.", "Bo.", response_ok=True), colour=False)
    kept = refined("Bo.", "Bo.", rejected=True, rejection="length")
    assert "rejected (length)" in told(kept, colour=False)


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = ["page"], {}

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.setdefault(self.tags[-1], []).append(data)


def test_a_page_shows_changes_and_runs_nothing_that_a_text_holds():
    row = refined(
        "Bo <script>alert(1)</script> sat in Oslo.",
        "Bo <script>alert(1)</script> sat in Paris.",
        [CRITIQUE],
        document="</pre><img src=x onerror=alert(2)>",
    )
    seen = Seen()
    seen.feed(page([row]))
    assert "script" not in seen.tags and "img" not in seen.tags
    assert seen.texts["del"][-1] == "Oslo" and "Paris" in seen.texts["ins"]
    assert "1 responses, 1 changed" in page([row])
