"""Tests in three calls (skeletons, answers, assertions), and the imports they need."""

import ast
from dataclasses import dataclass
from pathlib import Path

from tenpapers.sandbox import Program, SandboxPool

from ..inputs.update_types import old_name, parent_path
from ..sampling.prompts import fill
from .parse_responses import ANSWER, ASSERT, read_code, read_skeletons, substitute, test_function
from .stored_model import LLM, Rejected, Unfit

TESTS = 10
NOTES = {
    "re": "Compare Match objects by group(), and handle None.",
    "pandas": "Compare frames and series with equals, never with a bare ==; order may differ.",
    "itertools": "Turn iterators into lists before comparing; do not unwrap groupby's groups.",
    "numpy": "Compare arrays with numpy.allclose or numpy.array_equal.",
    "torch": "Compare tensors with torch.equal or torch.allclose, and only tensors with them.",
    "sympy": "Compare expressions after simplify of their difference.",
    "scipy": "Compare arrays with numpy.allclose.",
    "matplotlib": "Compare properties of the objects, and show nothing.",
    "requests": "Make no request; compare prepared requests.",
}


@dataclass(frozen=True)
class Subject:
    """What tests are written for: an update, or a problem that needs one.

    Parameters
    ----------
    path : of the updated function.
    text : the description shown in every call.
    signature : of what a test calls.
    is_update : tests of an update call the function itself.
    """

    path: str
    text: str
    signature: str
    is_update: bool

    @property
    def package(self) -> str:
        """Top-level package of the updated function."""
        return self.path.partition(".")[0]


def write_tests(
    subject: Subject, llm: LLM, folder: Path | None = None, *, count: int = TESTS
) -> list[str]:
    """Write tests with answers and assertions; one whose answer or assertion fails is left out.

    Raises
    ------
    Rejected : no skeletons, or no test got through.
    """
    old = f"old_{old_name(subject.path)}"
    values = {"subject": subject, "old": old, "note": NOTES.get(subject.package, "")}
    system = fill("synth/tests_system", folder, **values)
    user = fill("synth/skeletons", folder, count=count, **values)
    tests = []
    for skeleton in llm.accept("skeletons", system, user, read_skeletons):
        try:
            test = skeleton
            for step, marker in (("answer", ANSWER), ("assertion", ASSERT)):
                if marker in test:
                    question = fill(f"synth/{step}", folder, test=test, **values)
                    code = llm.accept(
                        step, system, question, lambda text: read_code(text, subject.path, old)
                    )
                    test = substitute(test, marker, code)
            if not test_function(test):
                raise Rejected("the finished test does not parse")
        except Rejected:
            continue
        tests.append(test)
    if not tests:
        raise Rejected("tests: none was finished")
    return tests


def keep_old(path: str) -> list[str]:
    """Give the two lines that keep the old function reachable; always the last imports."""
    old = f"old_{old_name(path)}"
    return [f"{old} = {path}", f"setattr({parent_path(path)}, {old!r}, {old})"]


def find_imports(
    texts: list[str],
    path: str,
    known: list[str],
    *,
    llm: LLM,
    pool: SandboxPool,
    folder: Path | None = None,
) -> list[str]:
    """Ask what each text needs to import and keep the lines that work.

    Lines that fail or name the old function are dropped; the order is plain imports by length,
    lines with `=`, then `setattr`.
    """
    old = f"old_{old_name(path)}"
    lines = dict.fromkeys(known)
    for text in texts:
        user = fill("synth/imports", folder, text=text)
        try:
            code = llm.accept("imports", "", user, read_code)
        except Rejected:
            continue
        lines |= dict.fromkeys(line.strip() for line in code.split("\n") if line.strip())
    wanted = [line for line in lines if old not in line and _is_import(line)]
    program = Program("imports", (), tuple(wanted), isolate_cases=False)
    statuses = next(iter(pool.run([program]))).statuses if wanted else ()
    good = [line for line, status in zip(wanted, statuses, strict=False) if status == "passed"]
    plain = sorted((line for line in good if "=" not in line), key=len)
    return [*plain, *(line for line in good if "=" in line), *keep_old(path)]


def _is_import(line: str) -> bool:
    try:
        (node,) = ast.parse(line).body
    except (SyntaxError, ValueError):
        return False
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assign)


def require(condition: bool, reason: str) -> None:
    """Refuse a response unless a condition holds.

    Raises
    ------
    Unfit : it does not.
    """
    if not condition:
        raise Unfit(reason)
