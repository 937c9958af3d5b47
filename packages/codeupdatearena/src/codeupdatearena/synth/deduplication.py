"""De-duplication of the examples of one update by their reference solutions."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations

from ..records import ProgSynExample

THRESHOLD = 25
_LEXEMES = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|\s+|[^\w\s]")


class _Rename(ast.NodeTransformer):
    """Names to var0, var1, ... in the order of first visit; annotations dropped, modules kept."""

    def __init__(self, modules: set[str]) -> None:
        self.modules = modules
        self.names: dict[str, str] = {}

    def rename(self, name: str) -> str:
        if name in self.modules:
            return name
        return self.names.setdefault(name, f"var{len(self.names)}")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.rename(node.name)
        node.returns = None
        if ast.get_docstring(node) is not None and len(node.body) > 1:
            node.body = node.body[1:]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg, node.annotation = self.rename(node.arg), None
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.rename(node.id)
        return node


def canonical(code: str) -> str:
    """Rewrite a solution so that names, annotations, comments and docstrings do not count.

    Text that does not parse is returned as it is.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return code
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return ast.unparse(_Rename(modules).visit(tree))


def _lexemes(text: str) -> list[str]:
    return [lexeme for lexeme in _LEXEMES.findall(text) if not lexeme.isspace()]


def tokenizer() -> tuple[Callable[[str], Sequence[object]], str]:
    """Give the tokenizer of the distance and its name: cl100k, or a regex lexer without network."""
    try:
        import tiktoken

        encoding = tiktoken.get_encoding("cl100k_base")
    except Exception:  # not installed, or its file cannot be downloaded
        return _lexemes, "regex lexer"
    return encoding.encode, "cl100k"


def dedup(examples: Sequence[ProgSynExample], threshold: int = THRESHOLD) -> list[ProgSynExample]:
    """Remove near-duplicates among the examples of each update.

    Every example that takes part in a pair at a distance below `threshold` goes; if then one or
    two remain, the most distant of the duplicate pairs comes back.

    Returns
    -------
    The survivors, in their order.
    """
    from rapidfuzz.distance import Levenshtein

    encode, _ = tokenizer()
    groups: dict[str, list[ProgSynExample]] = defaultdict(list)
    for example in examples:
        groups[example.update.update_id].append(example)
    kept: set[int] = set()
    for group in groups.values():
        tokens = [encode(canonical(example.ref_solution)) for example in group]
        pairs = {}
        for i, j in combinations(range(len(group)), 2):
            # A cut-off of threshold - 1 gives threshold for everything that is far enough.
            distance = Levenshtein.distance(tokens[i], tokens[j], score_cutoff=threshold - 1)
            if distance < threshold:
                pairs[i, j] = distance
        paired = {i for pair in pairs for i in pair}
        left = [i for i in range(len(group)) if i not in paired]
        if pairs and 1 <= len(left) <= 2:
            left = sorted({*left, *max(pairs, key=lambda pair: pairs[pair])})
        kept |= {id(group[i]) for i in left}
    return [example for example in examples if id(example) in kept]
