import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
import yaml
from pydantic import BaseModel
from tenpapers.cli import OutDir, Scale, make_app
from tenpapers.errors import UserError
from tenpapers.settings import as_config, load_config, load_scale, options
from typer.exceptions import TyperException
from typer.testing import CliRunner


@dataclass(frozen=True)
class Tune:
    """Settings of every kind that packages have."""

    task: Annotated[str, typer.Option(help="What is learned.")]
    rate: Annotated[float, typer.Option(help="Peak learning rate.", min=0, max=1)] = 0.1
    rule: Annotated[Literal["norm", "random"], typer.Option(help="How heads are picked.")] = "norm"
    cache: Annotated[bool, typer.Option("--cache/--no-cache")] = True
    folder: Annotated[Path | None, typer.Option("--from")] = None
    seeds: Annotated[list[int], typer.Option("--seed")] = field(default_factory=lambda: [0])
    alphas: tuple[float, ...] = (15.0,)  # in files only


class Shell:
    """A command that keeps what it was given."""

    def __init__(self, **how):
        self.app = make_app("A tool.")
        self.given = None

        if "scales" in how:

            @self.app.command()
            @options(Tune, **how)
            def tune(settings: Tune, out: OutDir, scale: Scale = "cpu") -> None:
                self.given = settings
        else:

            @self.app.command()
            @options(Tune, **how)
            def tune(settings: Tune, out: OutDir, times: int = 1) -> None:
                """Tune a model."""
                self.given = (settings, out, times)

    def __call__(self, *arguments):
        self.app(["tune", "--out", "o", *map(str, arguments)], standalone_mode=False)
        return self.given

    def settings(self, *arguments):
        return self("--task", "t", *arguments)[0]

    def help(self):
        shown = CliRunner().invoke(self.app, ["tune", "--help"], env={"COLUMNS": "200"})
        return " ".join(shown.output.split())


@pytest.fixture
def shell():
    return Shell()


@pytest.fixture
def file(tmp_path):
    """Write settings to a YAML file."""

    def write(**values):
        path = tmp_path / "c.yaml"
        path.write_text(yaml.safe_dump(values))
        return path

    return write


# -- options -----------------------------------------------------------------------------------


def test_a_command_gets_the_record_beside_its_own_parameters(shell):
    assert shell("--task", "t", "--times", "3") == (Tune("t"), Path("o"), 3)


def test_an_option_wins_over_the_file_and_the_file_over_the_default(shell, file):
    config = file(rate=0.5, rule="random")
    settings = shell.settings("--config", config, "--rate", "0.7")
    assert (settings.rate, settings.rule, settings.cache) == (0.7, "random", True)


def test_an_option_that_repeats_the_default_wins_over_the_file_too(shell, file):
    config = file(rate=0.5, cache=True, rule="random")
    settings = shell.settings("--config", config, "--rate", "0.1", "--no-cache", "--rule", "norm")
    assert (settings.rate, settings.cache, settings.rule) == (0.1, False, "norm")


def test_a_field_without_an_option_comes_from_the_file_alone(shell, file):
    assert shell.settings("--config", file(alphas=[1, 2.5])).alphas == (1.0, 2.5)
    with pytest.raises(TyperException, match="No such option"):
        shell.settings("--alphas", "1")


def test_an_option_may_have_another_name_in_one_command(file):
    shell = Shell(names={"rate": "--lr"})
    assert shell.settings("--lr", "0.3").rate == 0.3
    assert shell.settings("--config", file(rate=0.4)).rate == 0.4  # the file's name stays
    with pytest.raises(TyperException, match="No such option"):
        shell.settings("--rate", "0.3")
    assert Shell().settings("--rate", "0.3").rate == 0.3  # and that of other commands


def test_a_command_may_leave_an_option_to_the_file(file):
    shell = Shell(without=["rate"])
    assert shell.settings("--config", file(rate=0.4)).rate == 0.4
    assert "--rate" not in shell.help()
    with pytest.raises(TyperException, match="No such option"):
        shell.settings("--rate", "0.3")


def test_an_option_that_may_stand_several_times(shell, file):
    assert shell.settings().seeds == [0]
    assert shell.settings("--seed", 3, "--seed", 5).seeds == [3, 5]
    config = file(seeds=[7, 8])
    assert shell.settings("--config", config).seeds == [7, 8]
    assert shell.settings("--config", config, "--seed", 9).seeds == [9]


def test_help_shows_texts_defaults_ranges_and_choices(shell):
    shown = shell.help()
    assert "Tune a model." in shown
    for part in ("What is learned.", "Peak learning rate.", "0.1", "0<=x<=1", "norm|random"):
        assert part in shown
    assert "--no-cache" in shown and "--config" in shown and "alphas" not in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rule", "best"), "'best' is not one of 'norm', 'random'"),
        (("--rate", "2"), "'--rate': Input should be less than or equal to 1"),
        (("--rate", "fast"), "'--rate': Input should be a valid number"),
    ],
)
def test_the_parser_holds_options_against_choices_ranges_and_types(shell, arguments, told):
    with pytest.raises(TyperException) as error:
        shell.settings(*arguments)
    assert told in error.value.format_message()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rule": "best"}, "rule: Input should be 'norm' or 'random'"),
        ({"rate": -0.5}, "rate: -0.5 is below 0"),
        ({"rate": 1.5}, "rate: 1.5 is above 1"),
        ({"rate": float("nan")}, "rate: nan is below 0"),
        ({"rate": "fast"}, "rate: Input should be a valid number"),
        ({"seeds": [1, "x"]}, "seeds.1: Input should be a valid integer"),
        ({"speed": 1}, "speed: unknown setting; one of task, rate, rule, cache, folder, seeds, al"),
    ],
)
def test_values_of_a_file_are_held_against_the_same(shell, file, values, told):
    config = file(**values)
    with pytest.raises(UserError) as error:
        shell.settings("--config", config)
    assert str(error.value).startswith(f"{config}: {told}")


def test_both_ends_of_a_range_are_inside(shell, file):
    for rate in (0, 1):
        assert shell.settings("--config", file(rate=rate)).rate == rate
        assert shell.settings("--rate", rate).rate == rate


def test_a_setting_without_a_default_is_asked_for(shell, file):
    with pytest.raises(UserError) as error:
        shell()
    assert str(error.value) == (
        "settings: task is missing; pass it as an option or as `task:` in --config FILE"
    )
    assert shell("--config", file(task="mine"))[0].task == "mine"
    assert shell("--config", file(task="mine"), "--task", "other")[0].task == "other"


def test_what_a_run_wrote_into_its_manifest_gives_the_same_run(shell, tmp_path):
    first = shell.settings(
        *("--rate", "0.3", "--rule", "random", "--no-cache", "--seed", "4", "--seed", "5"),
        *("--from", "some/folder"),
    )
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps({"config": as_config(first), "versions": {"python": "3"}, "seed": 1})
    )
    assert shell("--config", manifest)[0] == first
    assert shell("--config", manifest, "--rate", "0.4")[0].rate == 0.4


# -- scales ------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that ships settings for both scales."""
    folder = tmp_path / "scaled_tool"
    (folder / "configs").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "configs" / "cpu.yaml").write_text("rate: 0.2\n")
    (folder / "configs" / "paper.yaml").write_text("rate: 0.9\nalphas: [1.5]\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "scaled_tool"


def test_without_a_file_the_settings_of_the_scale_are_read(package, file):
    shell = Shell(scales=package)

    def given(*arguments):
        return shell("--task", "t", *arguments)

    assert given() == Tune("t", rate=0.2)
    assert given("--scale", "paper") == Tune("t", rate=0.9, alphas=(1.5,))
    assert given("--scale", "paper", "--rate", "0.3").rate == 0.3
    assert given("--scale", "paper", "--config", file(rule="random")) == Tune("t", rule="random")
    with pytest.raises(TyperException, match="'gpu' is not one of 'cpu', 'paper'"):
        given("--scale", "gpu")


def test_settings_of_a_scale_are_read_without_a_command_line(package):
    assert load_scale(Tune, package, "paper", task="t").rate == 0.9
    with pytest.raises(UserError, match="--scale gpu: unknown; one of cpu, paper, or --config"):
        load_scale(Tune, package, "gpu", task="t")


# -- files -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Two:
    rate: float = 0.1
    name: str = "a"

    def __post_init__(self):
        if self.name == "x":
            raise ValueError("x is no name")


class TwoModel(BaseModel):
    rate: float = 0.1
    name: str = "a"


@pytest.mark.parametrize("kind", [Two, TwoModel])
def test_given_values_win_over_the_file_unless_they_are_none(kind, file):
    config = file(rate=0.5, name="b")
    assert load_config(kind, config, name="c", rate=None) == kind(rate=0.5, name="c")
    assert load_config(kind, None, rate=0.2) == kind(rate=0.2)


@pytest.mark.parametrize("kind", [Two, TwoModel])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rate: fast", "rate: Input should be a valid number"),
        ("speed: 1", "speed: unknown setting; one of rate, name"),
        ("- 1", "a config is a mapping of names to values"),
        ("a: [", "not YAML"),
        ("name: \udcff", "not YAML"),
    ],
)
def test_a_wrong_config_names_file_and_field_in_one_line(tmp_path, kind, text, told):
    file = tmp_path / "c.yaml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError) as error:
        load_config(kind, file)
    assert str(error.value).startswith(f"{file}: {told}")
    assert "\n" not in str(error.value)


def test_a_record_may_refuse_what_does_not_go_together(file):
    with pytest.raises(UserError, match=r"c\.yaml: x is no name"):
        load_config(Two, file(name="x"))


def test_a_missing_file_is_told_and_an_empty_one_is_fine(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: no such config file"):
        load_config(Two, tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").touch()
    assert load_config(Two, tmp_path / "empty.yaml") == Two()


def test_a_config_of_a_manifest_is_read_only_from_a_manifest(file):
    """A mapping that merely has a key `config` is told, not guessed at."""
    assert load_config(Two, file(config={"rate": 0.6}, versions={})).rate == 0.6
    with pytest.raises(UserError, match="config: unknown setting"):
        load_config(Two, file(config={"rate": 0.6}))


@dataclass(frozen=True)
class Study:
    """Settings inside settings."""

    tune: Tune
    n_items: int = 4


def test_ranges_hold_inside_too(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("tune: {task: t, rate: 1.5}\n")
    with pytest.raises(UserError, match=r"c\.yaml: tune: rate: 1\.5 is above 1"):
        load_config(Study, path)


def test_a_key_may_be_spelt_as_its_option(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("tune: {task: t}\nn-items: 6\n")
    assert load_config(Study, path).n_items == 6
