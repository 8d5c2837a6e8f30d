"""Reads a firm folder into a Firm, or says everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, cast

from pydantic import ValidationError

from tieout.connectors.catalogue import installed
from tieout.connectors.contract import ConnectorSpec
from tieout.domain.consistency import Path, faults
from tieout.domain.firm import ROLES, Firm
from tieout.folder import channels, connections
from tieout.folder.connections import Kinds
from tieout.folder.environment import Section, Spec, secrets_in, wrong_settings
from tieout.folder.finding import Finding, UnusableFolder
from tieout.folder.reading import Sheet, read
from tieout.folder.wording import refusals

MAIN = "tieout.yaml"
# Part of the firm → its subfolder, one file for each thing in it.
PARTS = ("calendars", "packages", "rate_cards", "tables")


def load(folder: FilePath, kinds: Kinds | None = None) -> Firm:
    """The firm that the folder describes. Raises UnusableFolder with every mistake in it.

    `kinds` are the kinds of connection there may be; left out, all that are installed.
    """
    firm, pages = _load(folder, installed() if kinds is None else kinds)
    if firm is None:
        raise UnusableFolder(pages.findings)
    return firm


def check(folder: FilePath, environment: Mapping[str, str] | None = None, kinds: Kinds | None = None) -> list[Finding]:
    """Every mistake in the folder and, when an environment is given, in what it adds to the connections."""
    known = installed() if kinds is None else kinds
    firm, pages = _load(folder, known)
    if firm is None or environment is None:
        return pages.findings
    findings: list[Finding] = []
    for resolve in (lambda: connections.resolve(firm, environment, known), lambda: channels.resolve(firm, environment)):
        try:
            resolve()
        except UnusableFolder as unusable:
            findings += [pages.located(each) for each in unusable.findings]
    return findings


def _load(folder: FilePath, kinds: Kinds) -> tuple[Firm | None, _Pages]:
    """Contradictions between the parts are looked for once each part is right by itself."""
    pages = _Pages(folder)
    firm = None
    if isinstance(pages.main.data, dict):
        content = pages.content()
        try:
            firm = Firm.model_validate(content)
        except ValidationError as wrong:
            for each in refusals(wrong, Firm):
                pages.add(each.path, each.what, each.fix)
        for path, what, fix in _kind_mistakes(connections.CONNECTIONS, content.get("connections"), kinds):
            pages.add(path, what, fix)
        for path, what, fix in _kind_mistakes(channels.CHANNELS, content.get("channels"), channels.KINDS):
            pages.add(path, what, fix)
    if firm is not None and not pages.findings:
        for fault in (*faults(firm), *channels.reader_faults(firm)):
            pages.add(fault.path, fault.what, fault.fix)
        for path, what, fix in connections.unfit(firm, kinds):
            pages.add(path, what, fix)
    pages.findings.sort(key=lambda each: (each.file != MAIN, each.file, each.line or 0))
    return (None if pages.findings else firm), pages


class _Pages:
    """The files of a folder, and where in them each part of the firm stands."""

    def __init__(self, folder: FilePath) -> None:
        self.findings: list[Finding] = []
        self.main = self._main(folder)
        self.findings += self.main.findings
        self._sheets: dict[Path, Sheet] = {}
        for part in PARTS:
            sheets = [read(folder, file) for file in self._files(folder, part)]
            self.findings += [finding for sheet in sheets for finding in sheet.findings]
            readable = [sheet for sheet in sheets if isinstance(sheet.data, dict)]
            self._sheets |= {(part, i): sheet for i, sheet in enumerate(readable)}

    def content(self) -> dict[str, Any]:
        """Everything that could be read, as one Firm."""
        content = dict(self.main.data)
        for part in PARTS:
            if part in content:
                self.add((part,), f"has a folder of its own, {part}/", f"Write one file for each there: {part}/….yaml.")
            content[part] = [sheet.data for path, sheet in self._sheets.items() if path[0] == part]
        return content

    def add(self, path: Path, what: str, fix: str) -> None:
        self.findings.append(self._found(path, what, fix))

    def located(self, finding: Finding) -> Finding:
        """A finding about tieout.yaml with its line."""
        return self._found(finding.path, finding.what, finding.fix) if finding.file == MAIN else finding

    def _found(self, path: Path, what: str, fix: str) -> Finding:
        sheet = self._sheets.get(path[:2])
        if sheet is not None and len(path) > 1:
            return Finding(sheet.file, sheet.line(path[2:]), path[2:], what, fix)
        if path and path[0] in PARTS and path not in self.main.lines:
            return Finding(f"{path[0]}/", None, (), what, fix)
        return Finding(MAIN, self.main.line(path), path, what, fix)

    def _main(self, folder: FilePath) -> Sheet:
        if (folder / MAIN).is_file():
            return read(folder, MAIN)
        other = next((name for name in ("tieout.yml", "tieout.json") if (folder / name).is_file()), None)
        fix = f"Rename {other} to {MAIN}." if other else "Name the firm folder, or make one with `tieout init`."
        sheet = Sheet(MAIN)
        sheet.fault((), f"is not in {folder}", fix)
        return sheet

    def _files(self, folder: FilePath, part: str) -> Iterator[str]:
        directory = folder / part
        for each in sorted(directory.iterdir()) if directory.is_dir() else ():
            file = f"{part}/{each.name}"
            if each.suffix == ".yml":
                self.findings.append(Finding(file, None, (), "would not be read", f"Rename it to {each.stem}.yaml."))
            elif each.suffix == ".yaml":
                yield file


def _kind_mistakes(section: Section, entries: Any, kinds: Mapping[str, Spec]) -> Iterator[tuple[Path, str, str]]:
    """What the kinds say about the settings that stand in the folder."""
    if not isinstance(entries, dict):
        return
    for name, each in cast("dict[str, Any]", entries).items():
        if not isinstance(each, dict) or not isinstance(each.get("kind"), str):  # pyright: ignore[reportUnknownMemberType]
            continue
        entry = cast("dict[str, Any]", each)
        path: Path = (section.part, name)
        spec = kinds.get(entry["kind"])
        if spec is None:
            yield (*path, "kind"), *section.unknown_kind(entry["kind"], kinds)
        else:
            yield from _against(section, path, name, entry, spec)


def _against(
    section: Section, path: Path, name: str, entry: dict[str, Any], spec: Spec
) -> Iterator[tuple[Path, str, str]]:
    role = entry.get("role")
    if isinstance(spec, ConnectorSpec) and role in ROLES and role not in spec.roles:
        yield (*path, "role"), f"{spec.title} cannot be the {role}", f"Say one of: {', '.join(spec.roles)}."
    if isinstance(spec, ConnectorSpec):
        for what, fix in connections.risks(spec):
            yield (*path, "kind"), what, fix
    if not isinstance(entry.get("settings", {}), dict):
        return
    given = cast("dict[str, Any]", entry.get("settings", {}))
    for word, setting in secrets_in(given, spec).items():
        yield (*path, "settings", word), *section.clear_text(name, setting)
    for each in wrong_settings(given, spec):
        yield (*path, "settings", *each.path), each.what, each.fix
