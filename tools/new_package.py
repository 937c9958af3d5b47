"""Start a package: `tools/new_package.py NAME`, with NAME an entry of papers_to_come.yaml.

The new package is empty but whole: it installs, its command runs, lint and tests pass. What is
left to do is printed as a checklist.
"""

import argparse
import sys
from pathlib import Path
from string import Template

import yaml

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("package_template")
CHECKLIST = """\
To do, in this order (CONTRIBUTING.md says where things go):
[ ] `make lock && make setup`: the workspace knows the package; move its entry out of
    tools/papers_to_come.yaml and run `make docs`
[ ] paper.yaml: claims in your own words with their sections, confirmed numbers, published files
    with hashes, models of the paper's scale
[ ] records.py: what flows between the stages; one room a stage, named as the paper names it
[ ] scoring/: every formula with a test against hand-computed, off-centre values
[ ] inputs/: published files and what people have (messages, prompt/completion, extra fields)
[ ] inputs/fetched.py: `make`, our data files from the published ones; `data_app` in cli/main.py
[ ] cli/: one module a group of commands; one settings dataclass a command
[ ] study/: reproduce in five minutes on two cores; every claim judged; controls beside effects
[ ] killed and resumed, wrong inputs in one line, as an ordinary user, without network
[ ] benchmarks/: the hot loop against the named peer
[ ] README: a user's own small input with its real output, the table, known limits, a picture
"""


def new_package(name: str, root: Path) -> Path:
    """Write the package `name` below `root/packages`; gives its folder.

    Raises
    ------
    SystemExit : no paper of that name waits, or the folder is there already.
    """
    waiting = yaml.safe_load((ROOT / "tools" / "papers_to_come.yaml").read_text(encoding="utf-8"))
    if name not in waiting:
        raise SystemExit(f"error: {name}: no such paper to come; one of {', '.join(waiting)}")
    folder = root / "packages" / name
    if folder.exists():
        raise SystemExit(f"error: {folder}: is there already")
    for file in sorted(TEMPLATE.rglob("*.tmpl")):
        inside = file.relative_to(TEMPLATE).with_suffix("")
        if inside.parts[0] == "src":
            inside = Path("src", name, *inside.parts[1:])
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        template = Template(file.read_text(encoding="utf-8"))
        target.write_text(template.substitute(name=name, title=waiting[name]["title"]))
    claim = {"id": "first-claim", "sentence": "To be written.", "section": ""}
    paper = waiting[name] | {"summary": "To be written.", "number": "", "claims": [claim]}
    text = yaml.safe_dump(paper, sort_keys=False, allow_unicode=True, width=100)
    (folder / "src" / name / "paper.yaml").write_text(text, encoding="utf-8")
    return folder


def main() -> int:
    """Read the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout (for tests)")
    arguments = parser.parse_args()
    print(f"-> {new_package(arguments.name, arguments.root)}\n\n{CHECKLIST}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
