import pytest
from codeupdatearena import UpdateType, build_program, enforce_statements, legal_update_types
from codeupdatearena.inputs.update_types import all_update_types, describe_type
from codeupdatearena.records import ApiUpdate
from tenpapers.errors import UserError


def update(path, kind, name):
    return ApiUpdate(
        update_id="u",
        function_path=path,
        package=path.split(".")[0],
        update_type=kind,
        description="",
        docstring="",
        signature="",
        imports=[],
        implementation=f"def {name}(x):\n    return x",
    )


def test_seventeen_of_54_types_are_legal_and_tags_round_trip():
    assert len(all_update_types()) == 54
    legal = legal_update_types()
    assert len(legal) == 17
    assert all(UpdateType.parse(kind.tag) == kind for kind in all_update_types())
    assert UpdateType.parse("add-argument-default_value(s)").aspect == "default value(s)"
    assert not any(kind.action == "deprecate" for kind in legal)


@pytest.mark.parametrize("kind", ["deprecate-function", "modify-function-semantics"])
def test_types_without_a_rule_raise_on_enforcement(kind):
    with pytest.raises(UserError, match=f"unsupported update type '{kind}'"):
        enforce_statements(update("math.sin", kind, "sin"))


def test_an_unknown_type_lists_the_legal_ones():
    with pytest.raises(UserError, match="one of .*add-argument-data_type"):
        UpdateType.parse("change-argument")


@pytest.mark.parametrize(
    ("path", "kind", "name", "statements"),
    [
        ("math.sin", "add-output-data_type", "sin", "math.sin = sin"),
        (
            "re.sub",
            "modify-function-name",
            "replace",
            "del re.sub\nsetattr(re, 'replace', replace)",
        ),
        ("re.sub", "add-function", "subs", "setattr(re, 'subs', subs)"),
        ("torch.Tensor.view", "add-argument", "view", "torch.Tensor.view = view"),
        (
            "torch.Tensor.view",
            "modify-function-name",
            "shape_as",
            "del torch.Tensor.view\nsetattr(torch.Tensor, 'shape_as', shape_as)",
        ),
        (
            "pandas.DataFrame.head",
            "modify-argument-default_value(s)",
            "head",
            "pandas.DataFrame.head = head",
        ),
        (
            "pandas.concat",
            "modify-function-name",
            "stack",
            "del pandas.concat\nsetattr(pandas, 'stack', stack)",
        ),
    ],
)
def test_enforcement(path, kind, name, statements):
    assert enforce_statements(update(path, kind, name)) == statements


@pytest.mark.parametrize(
    ("kind", "name"),
    [("add-argument", "sine"), ("modify-function-name", "sin"), ("add-function", "sin")],
)
def test_a_name_that_contradicts_the_type_is_told(kind, name):
    with pytest.raises(UserError, match="implementation name"):
        enforce_statements(update("math.sin", kind, name))


def test_an_implementation_of_two_functions_is_told():
    broken = update("math.sin", "add-argument", "sin").model_copy(
        update={"implementation": "def sin(x): pass\ndef other(x): pass"}
    )
    with pytest.raises(UserError, match="2 top-level functions"):
        enforce_statements(broken)


def test_the_program_is_the_parts_in_the_papers_order(mini):
    example = mini.examples[0]
    text = build_program(example, "SOLUTION = 1", "def test_a():\n    pass", True)
    assert text == "\n".join(
        [
            *example.imports,
            example.update.implementation,
            "math.hypot = hypot",
            "SOLUTION = 1",
            "def test_a():\n    pass\ntest_a()\n",
        ]
    )
    without = build_program(example, "SOLUTION = 1", "def test_a():\n    pass", False)
    assert without == text.replace("math.hypot = hypot\n", "")


@pytest.mark.parametrize("kind", legal_update_types(), ids=lambda kind: kind.tag)
def test_descriptions_tell_replacing_from_adding(kind):
    text = describe_type(kind)
    assert ("Replace" in text) == (kind.action == "modify")
    assert ("beside" in text) == (kind.action == "add")
    if (kind.action, kind.place) == ("modify", "argument"):
        assert "No argument is added" in text
