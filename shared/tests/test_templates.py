import pytest
from tenpapers.errors import UserError
from tenpapers.templates import fill, fill_section


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write the templates of a package of its own (what was read once is kept)."""
    name = f"templates_of_{tmp_path.name}".replace("-", "_")
    prompts = tmp_path / "path" / name / "prompts"
    prompts.mkdir(parents=True)
    (prompts.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "path")

    def write(**texts):
        for file, text in texts.items():
            target = prompts / f"{file.replace('__', '/')}.jinja"
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
        return name

    return write


@pytest.fixture
def own(tmp_path):
    """A user's folder of templates."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Q: {{ q }}\n", "Q: Why?"),  # the newline that ends the last line is the file's
        ("Q: {{ q }}", "Q: Why?"),
        ("Q: {{ q }}\n\n", "Q: Why?\n"),  # a blank last line is the prompt's
        ("\n  Q: {{ q }}  \n", "\n  Q: Why?  "),  # everything else stays as it stands
        ("{% if q %}\nyes\n{% endif %}\n", "\nyes\n"),
        ("a\r\nb\n", "a\nb"),
    ],
)
def test_only_the_final_newline_of_a_file_goes(package, text, filled):
    assert fill(package(ask=text), "ask", q="Why?") == filled


def test_a_template_may_lie_one_folder_deeper(package):
    assert fill(package(synth__update="{{ a }}-{{ b }}"), "synth/update", a=1, b="ä<&>") == "1-ä<&>"


def test_a_users_file_replaces_ours_and_others_stay(package, own):
    name = package(ask="ours {{ q }}\n", other="ours\n")
    (own / "ask.jinja").write_text("theirs {{ q }}\n")
    assert fill(name, "ask", own, q=1) == "theirs 1"
    assert fill(name, "other", own) == "ours"
    assert fill(name, "ask", q=1) == "ours 1"


SECTIONS = """\
What this file is for.
--- question ---

Q: {{ q }}
{% for choice in choices %}
  {% if choice %}
({{ choice }})
  {% endif %}
{% endfor %}

--- cue ---
Let's think.
"""


def test_sections_come_without_newlines_around_them_and_without_the_lines_of_tags(package):
    name = package(ask=SECTIONS)
    filled = fill_section(name, "ask", "question", q="Why?", choices=["a", "", "b"])
    assert filled == "Q: Why?\n(a)\n(b)"
    assert fill_section(name, "ask", "cue") == "Let's think."


def test_a_users_sections_replace_ours(package, own):
    name = package(ask=SECTIONS)
    (own / "ask.jinja").write_text("--- cue ---\nStep by step:\n")
    assert fill_section(name, "ask", "cue", own) == "Step by step:"
    with pytest.raises(UserError) as error:
        fill_section(name, "ask", "question", own)
    assert str(error.value) == f"{own}/ask.jinja: no section 'question'; one of cue"


@pytest.mark.parametrize(
    ("text", "told"),
    [("{{ nobody }}", "'nobody' is undefined"), ("{% if %}\n", "Expected an expression")],
)
def test_what_is_wrong_with_a_template_is_one_line(package, own, text, told):
    name = package(ask=text, parts=f"--- cue ---\n{text}")
    for filled, place in (
        (lambda: fill(name, "ask"), "prompts/ask.jinja: "),
        (lambda: fill_section(name, "parts", "cue"), "prompts/parts.jinja: cue: "),
    ):
        with pytest.raises(UserError) as error:
            filled()
        assert str(error.value).startswith(place) and told in str(error.value)
        assert "\n" not in str(error.value)
    (own / "ask.jinja").write_text(text)
    with pytest.raises(UserError, match="own/ask.jinja: "):
        fill(name, "ask", own)


def test_a_section_that_is_missing_may_have_a_stand_in(tmp_path):
    (tmp_path / "parts.jinja").write_text("--- one ---\n{{ word }}\n")
    assert fill_section("tenpapers", "parts", "two", tmp_path, default="") == ""
    assert fill_section("tenpapers", "parts", "one", tmp_path, default="", word="w") == "w"
    with pytest.raises(UserError, match="no section 'two'"):
        fill_section("tenpapers", "parts", "two", tmp_path)
