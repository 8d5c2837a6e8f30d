"""Writes a first firm folder for `tieout init`: small, commented, and right as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

from tieout.connectors.catalogue import installed
from tieout.domain.firm import Firm
from tieout.folder import schemas
from tieout.folder.connections import Kinds, variables
from tieout.folder.loading import load

_STARTER = Path(__file__).parent / "starter"
# File of the starter → file of the firm folder, in the order in which a person should read them.
_FILES = {
    "tieout.yaml": "tieout.yaml",
    "packages/discovery.yaml": "packages/discovery.yaml",
    "rate_cards/standard.yaml": "rate_cards/standard.yaml",
    "tables/practice_department.yaml": "tables/practice_department.yaml",
    "gitignore.txt": ".gitignore",
}


def scaffold(
    folder: Path, firm_name: str, *, entity: str = "US", currency: str = "USD", kinds: Kinds | None = None
) -> list[Path]:
    """Writes the folder, made when it is not there, and returns its files.

    Nothing is written when it raises: FileExistsError when one of the files is there already, UnusableFolder when the
    entity's code or the currency cannot be right.
    """
    known = installed() if kinds is None else kinds
    words = {"firm": _quoted(firm_name), "entity": entity, "currency": currency, "connection": entity.lower()}
    texts = {
        target: Template((_STARTER / source).read_text("utf-8")).substitute(words) for source, target in _FILES.items()
    }
    with TemporaryDirectory() as draft:
        _write(Path(draft), texts)
        firm = load(Path(draft), known)
    texts["secrets.env.example"] = _secrets(firm, known)
    texts |= {f".schema/{name}": schemas.text(schema) for name, schema in schemas.schemas(known).items()}
    there = [target for target in texts if (folder / target).exists()]
    if there:
        raise FileExistsError(f"nothing was written: {folder} has {', '.join(there)} already")
    return _write(folder, texts)


def _write(folder: Path, texts: dict[str, str]) -> list[Path]:
    for target, text in texts.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(text, "utf-8")
    return [folder / target for target in texts]


def _secrets(firm: Firm, kinds: Kinds) -> str:
    """The variables that hold what no file may, with what each is."""
    lines = ["# Copy to secrets.env, which Git ignores, or give them to the process in your own way."]
    for each in variables(firm, kinds):
        if each.secret or each.required:
            lines += ["", f"# {each.entry}: {each.description}", f"{each.name}="]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A text as YAML reads it back, whatever is in it: JSON's way is also YAML's."""
    return json.dumps(text, ensure_ascii=False)
