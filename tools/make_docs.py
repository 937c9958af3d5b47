"""Make the README's table and CITATION.cff from the papers' `paper.yaml` (`make docs`).

With `--check` nothing is written and a file that is not up to date ends with exit code 1.
"""

import json
import sys
from pathlib import Path

import yaml
from tenpapers.paper import Paper, read_paper

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- made by `make docs` -->", "<!-- end of what `make docs` made -->"
# The house lists the papers in this order, built or not.
TO_COME = ROOT / "tools" / "papers_to_come.yaml"


def built() -> dict[str, Paper]:
    """Papers whose package is here, by package name."""
    files = sorted((ROOT / "packages").glob("*/src/*/paper.yaml"))
    return {file.parent.name: read_paper(file) for file in files}


def to_come() -> dict[str, Paper]:
    """Papers that wait for their package."""
    known = yaml.safe_load(TO_COME.read_text(encoding="utf-8")) or {}
    return {name: Paper(**(entry | {"claims": []})) for name, entry in known.items()}


def readme_table(here: dict[str, Paper], waiting: dict[str, Paper]) -> str:
    """The README's table: one line and one number each."""
    lines = [
        "| package | paper | what it does | one number |",
        "|---|---|---|---|",
    ]
    for name, paper in here.items():
        link = f"[{name}](packages/{name})"
        title = paper.short_title or paper.title
        lines.append(f"| {link} | {title} | {paper.summary.rstrip('.')} | {paper.number} |")
    for name, paper in waiting.items():
        lines.append(f"| {name} | {paper.short_title or paper.title} | to come | |")
    return "\n".join(lines)


def citation(papers: dict[str, Paper]) -> str:
    """CITATION.cff: this software, and the papers as its references."""
    lines = [
        "cff-version: 1.2.0",
        "message: If you use a package, cite its paper (below) and this software.",
        "title: tenpapers",
        "abstract: Ten NLP papers of one research group as tools.",
        "type: software",
        "license: Apache-2.0",
        "authors:",
        "  - name: The tenpapers developers",
        "references:",
    ]
    for paper in papers.values():
        lines += ["  - type: article", f"    title: {json.dumps(paper.title, ensure_ascii=False)}"]
        lines.append("    authors:")
        for author in paper.authors:
            given, _, family = author.rpartition(" ")
            lines.append(f"      - family-names: {family}")
            lines.append(f"        given-names: {given}")
        if paper.venue:
            lines.append(f"    journal: {json.dumps(paper.venue)}")
        lines.append(f"    year: {paper.year}")
        if paper.arxiv:
            lines += [
                "    identifiers:",
                "      - type: other",
                f"        value: arXiv:{paper.arxiv}",
            ]
    return "\n".join(lines) + "\n"


def made() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    here, waiting = built(), to_come()
    waiting = {name: paper for name, paper in waiting.items() if name not in here}
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    table = readme_table(here, waiting)
    return {
        readme: f"{before}{BEGIN}\n{table}\n{END}{after}",
        ROOT / "CITATION.cff": citation(here | waiting),
    }


def main(check: bool) -> int:
    """Write or check the files; gives the exit code."""
    stale = {
        file: text
        for file, text in made().items()
        if not file.exists() or file.read_text(encoding="utf-8") != text
    }
    for file, text in stale.items():
        if check:
            print(f"{file.relative_to(ROOT)}: not up to date; run `make docs`", file=sys.stderr)
        else:
            file.write_text(text, encoding="utf-8")
            print(f"-> {file.relative_to(ROOT)}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
