"""Is the function that an update changes there at all, in the library that is installed?"""

from collections.abc import Iterable

from tenpapers.errors import UserError
from tenpapers.sandbox import Program, SandboxPool

from ..records import ProgSynExample
from .library_profiles import library_versions


def check_functions(
    examples: Iterable[ProgSynExample], pool: SandboxPool, python: str | None = None
) -> None:
    """Look every updated function up once, in the sandbox.

    Parameters
    ----------
    python : interpreter of the pool's programs, for the version that an error names.

    Raises
    ------
    UserError : a package is missing or an attribute is gone.
    """
    first = {example.update.function_path: example for example in examples}
    programs = [
        # The last two imports look the function up to keep it under its old name.
        Program(path, (("imports", "\n".join(example.update.imports)), ("look", path)), ("pass",))
        for path, example in first.items()
    ]
    for verdict in pool.run(programs):
        (status,) = verdict.statuses
        if status in ("error:AttributeError", "error:ModuleNotFoundError", "error:NameError"):
            package = verdict.key.partition(".")[0]
            version = library_versions(python).get(package)
            installed = f"{package} {version} is installed" if version else "is it installed?"
            name = first[verdict.key].update.update_id
            raise UserError(
                f"{name}: there is no {verdict.key} ({installed})",
                "install a version that has it, name the folder of a library of your own by "
                "--path, or leave the update out with --ids",
            )
