"""One description of a setting: a field of a frozen dataclass.

The field's name is the key in YAML files, its default the default everywhere, and where its type
carries typer's own annotation it is an option of the command line too, with that help text. What a
run writes into its manifest can be given back with `--config`.

```python
@dataclass(frozen=True)
class TuneSettings:
    epochs: Annotated[int, typer.Option(help="Passes over the data.", min=1)] = 5
    lr: Annotated[float, typer.Option(help="Peak learning rate.", min=0)] = 1e-2
    alphas: tuple[float, ...] = (15.0,)  # in YAML files only

@app.command()
@options(TuneSettings)
def tune(settings: TuneSettings, out: OutDir) -> None: ...
```
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from copy import copy
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from .errors import UserError, without_credentials

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import BaseModel

ConfigT = TypeVar("ConfigT", bound="DataclassInstance | BaseModel")
CommandT = Callable[..., object]

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML of settings, or a run's manifest.json; options win."),
]
# Names of what the wrapped command gets beside its own parameters.
_CONTEXT, _FILE = "typer_context", "config"


def options(
    kind: type["DataclassInstance"],
    *,
    names: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    scales: str = "",
) -> Callable[[CommandT], CommandT]:
    """Give a command the fields of `kind` as options, and the values as one record.

    The command has one parameter of type `kind`. On the command line the fields with typer's
    annotation and `--config FILE` stand in its place; an option that was given wins over the file,
    the file over the default.

    Parameters
    ----------
    kind : a dataclass; its fields may be annotated with `typer.Option` or `typer.Argument`.
    names : option names of this command where they differ, e.g. {"tune_lr": "--lr"}.
    without : fields that this command takes from the file alone.
    scales : package whose `configs/<scale>.yaml` is read where no file is given; the command then
        has a parameter `scale`.

    Raises
    ------
    UserError : when the command runs, see `load_config`; a setting without a default is missing.
    """

    def wrap(command: CommandT) -> CommandT:
        own = inspect.signature(command, eval_str=True).parameters
        (target,) = (name for name, given in own.items() if given.annotation is kind)
        fields = dict(_option_fields(kind, names or {}, without))

        @functools.wraps(command)
        def run(**values: Any) -> object:
            context: typer.Context = values.pop(_CONTEXT)
            file: Path | None = values.pop(_FILE)
            given = {
                name: value
                for name, value in ((name, values.pop(name)) for name in fields)
                if _was_given(context, name)
            }
            if file is None and scales:
                with scale_file(scales, values["scale"]) as shipped:
                    settings = load_config(kind, shipped, **given)
            else:
                settings = load_config(kind, file, **given)
            return command(**{target: settings}, **values)

        shown = [given for name, given in own.items() if name != target]
        made = {
            _CONTEXT: inspect.Parameter(_CONTEXT, KEYWORD, annotation=typer.Context),
            **fields,
            _FILE: inspect.Parameter(_FILE, KEYWORD, annotation=ConfigFile, default=None),
        }
        parameters = [*(given.replace(kind=KEYWORD) for given in shown), *made.values()]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {given.name: given.annotation for given in parameters}
        return run

    return wrap


KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT", "PROMPT")


def _option_fields(
    kind: type["DataclassInstance"], names: Mapping[str, str], without: Collection[str]
) -> Iterator[tuple[str, inspect.Parameter]]:
    """Fields that are options, as parameters of a command."""
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        info = _typer_info(hints[field.name])
        if info is None or field.name in without:
            continue
        if field.name in names:
            info = copy(info)
            info.param_decls = (names[field.name],)
        plain = get_args(hints[field.name])[0]
        default = _default(field)
        if default is dataclasses.MISSING:  # asked for once file and options are read
            plain, default = plain | None, None
        annotation = Annotated[plain, info]  # type: ignore[valid-type]
        yield (
            field.name,
            inspect.Parameter(field.name, KEYWORD, annotation=annotation, default=default),
        )


def _typer_info(hint: object) -> OptionInfo | ArgumentInfo | None:
    if get_origin(hint) is not Annotated:
        return None
    found = (extra for extra in get_args(hint)[1:] if isinstance(extra, OptionInfo | ArgumentInfo))
    return next(found, None)


def _default(field: "dataclasses.Field[object]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def scale_file(package: str, scale: str) -> AbstractContextManager[Path]:
    """Open the settings that a package ships for a scale: a context manager that gives the path.

    Raises
    ------
    UserError : there are none of that name.
    """
    folder = files(package).joinpath("configs")
    shipped = folder.joinpath(f"{scale}.yaml")
    if not shipped.is_file():
        known = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())
        raise UserError(f"--scale {scale}: unknown", f"one of {', '.join(known)}, or --config FILE")
    return as_file(shipped)


def load_scale(kind: type[ConfigT], package: str, scale: str, /, **given: object) -> ConfigT:
    """Read the settings that a package ships for a scale, with some replaced.

    Raises
    ------
    UserError : see `scale_file` and `load_config`.
    """
    with scale_file(package, scale) as shipped:
        return load_config(kind, shipped, **given)


def load_config(kind: type[ConfigT], file: Path | None, /, **given: object) -> ConfigT:
    """Make one frozen config dataclass from a YAML file and the values given beside it.

    Parameters
    ----------
    kind : a dataclass or pydantic model; its field names are the YAML keys.
    file : YAML with a mapping, a run's `manifest.json`, or None for the defaults of `kind`.
    given : values that win over the file; None means "not given".

    Raises
    ------
    UserError : unreadable YAML, an unknown key, a value of the wrong type or out of its range, a
        setting without a default that is missing.
    """
    from pydantic import TypeAdapter, ValidationError

    values = _read_mapping(file) if file is not None else {}
    required = _required(kind)
    for name in values:
        if name not in required:
            raise UserError(f"{file}: {name}: unknown setting", f"one of {', '.join(required)}")
    values.update({name: value for name, value in given.items() if value is not None})
    where = str(file) if file else "settings"
    for name, needed in required.items():
        if needed and name not in values:
            hint = f"pass it as an option or as `{name}:` in --config FILE"
            raise UserError(f"{where}: {name} is missing", hint)
    try:
        made = TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{where}: {place}: {reason}" if place else f"{where}: {reason}") from None
    _check_ranges(made, where)
    return made


def as_config(settings: object) -> dict[str, Any]:
    """Settings as JSON values, the way a manifest keeps them and `--config` reads them.

    Addresses of models lose user and password.
    """
    from pydantic import TypeAdapter

    values = TypeAdapter(type(settings)).dump_python(settings, mode="json")
    return {name: _for_files(value) for name, value in values.items()}


def _for_files(value: object) -> object:
    if isinstance(value, dict):
        return {name: _for_files(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_for_files(part) for part in value]
    return without_credentials(value) if isinstance(value, str) else value


def _required(kind: type["DataclassInstance | BaseModel"]) -> dict[str, bool]:
    """All fields, and whether they lack a default."""
    if dataclasses.is_dataclass(kind):
        return {
            field.name: _default(field) is dataclasses.MISSING for field in dataclasses.fields(kind)
        }
    return {name: field.is_required() for name, field in kind.model_fields.items()}


def _read_mapping(file: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise UserError(f"{file}: no such config file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise UserError(f"{file}: a config is a mapping of names to values")
    # A manifest tells more of a run than its settings.
    if isinstance(values.get("config"), dict) and "versions" in values:
        values = values["config"]
    # An option's spelling is understood as well: `per-class` is `per_class`.
    return {str(name).replace("-", "_"): value for name, value in values.items()}


def _check_ranges(settings: object, where: str) -> None:
    """Hold values from a file against the limits that the parser holds options against."""
    for name, hint in get_type_hints(type(settings), include_extras=True).items():
        info, value = _typer_info(hint), getattr(settings, name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            _check_ranges(value, f"{where}: {name}")
        if info is None or not isinstance(value, int | float):
            continue
        if info.min is not None and not value >= info.min:
            raise UserError(f"{where}: {name}: {value} is below {info.min}")
        if info.max is not None and not value <= info.max:
            raise UserError(f"{where}: {name}: {value} is above {info.max}")
