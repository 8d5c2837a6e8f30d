"""A first firm folder is right as it stands, says so in its comments, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tieout.folder.finding import UnusableFolder
from tieout.folder.loading import check, load
from tieout.folder.scaffolding import scaffold
from tieout.folder.schemas import schemas, text


def test_a_first_folder_is_in_order(tmp_path: Path) -> None:
    written = scaffold(tmp_path / "acme", "Acme Advisory")
    assert check(tmp_path / "acme") == []
    assert written[0] == tmp_path / "acme" / "tieout.yaml"
    assert set(written) == {each for each in (tmp_path / "acme").rglob("*") if each.is_file()}


@pytest.mark.parametrize("name", ['Acme "A: b" & Söhne', "yes", "# 1", "a: {b}", "$name", "O'Neil\\"])
def test_a_firm_may_be_called_as_it_likes(tmp_path: Path, name: str) -> None:
    scaffold(tmp_path, name, entity="DE", currency="EUR")
    firm = load(tmp_path)
    assert (firm.name, firm.entities[0].code, firm.rate_cards[0].currency) == (name, "DE", "EUR")
    assert "erp-de" in firm.connections


def test_norway_is_an_entity(tmp_path: Path) -> None:
    scaffold(tmp_path, "Nordlys", entity="NO", currency="NOK")
    assert load(tmp_path).entities[0].code == "NO"


def test_what_is_there_is_not_overwritten_and_nothing_is_added_to_it(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "discovery.yaml").write_text("mine")
    with pytest.raises(FileExistsError, match=r"nothing was written: .* has packages/discovery\.yaml already"):
        scaffold(tmp_path, "Acme")
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["discovery.yaml"]
    assert (tmp_path / "packages" / "discovery.yaml").read_text() == "mine"


def test_an_entity_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnusableFolder, match="“united states” does not look right"):
        scaffold(tmp_path / "acme", "Acme", entity="united states")
    assert not (tmp_path / "acme").exists()


def test_secrets_are_named_and_kept_out_of_git(tmp_path: Path) -> None:
    scaffold(tmp_path, "Acme")
    example = (tmp_path / "secrets.env.example").read_text()
    assert "TIEOUT_CONNECTION_SALESFORCE_CLIENT_SECRET=\n" in example
    assert "TIEOUT_CONNECTION_ERP_US_PASSWORD=\n" in example
    assert "secrets.env" in (tmp_path / ".gitignore").read_text().splitlines()
    filled = {line.split("=")[0]: "x" for line in example.splitlines() if line.startswith("TIEOUT_")}
    filled["TIEOUT_CONNECTION_SALESFORCE_WEBHOOK_SECRET"] = ""
    assert check(tmp_path, filled) == []


def test_every_file_names_the_schema_that_stands_beside_it(tmp_path: Path) -> None:
    for each in scaffold(tmp_path, "Acme"):
        if each.suffix == ".yaml":
            first = each.read_text().splitlines()[0]
            target = each.parent / first.removeprefix("# yaml-language-server: $schema=")
            assert target.resolve().read_text("utf-8") == text(schemas()[target.name])
