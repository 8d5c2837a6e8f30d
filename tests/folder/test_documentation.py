"""The page about the firm folder is true: its examples load, its variables exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tieout.folder.loading import check, load
from tieout.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "firm-folder.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    for content in EXAMPLES:
        named = re.match(r"# (\S+\.yaml)\n", content)
        file = tmp_path / (named.group(1) if named else "tieout.yaml")
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    american = (tmp_path / "rate_cards" / "us-2026.yaml").read_text()
    german = american.replace("US", "DE").replace("currency: DED", "currency: EUR")
    (tmp_path / "rate_cards" / "de-2026.yaml").write_text(german)
    return tmp_path


def test_the_examples_are_a_firm_folder_in_order(example: Path) -> None:
    assert len(EXAMPLES) == 8
    assert [str(each) for each in check(example)] == []


def test_the_mistakes_on_the_page_are_told_as_the_page_says(example: Path) -> None:
    main, package = example / "tieout.yaml", example / "packages" / "data-foundation.yaml"
    package.write_text(package.read_text().replace("role: Principal", "role: Principle"))
    (line,) = [str(each) for each in check(example)]
    assert line.partition(": ")[2] in PAGE
    main.write_text(main.read_text().replace("kind: tryton", "kind: trytn", 1))
    (line,) = [str(each) for each in check(example)]
    assert line.partition(": ")[2].removesuffix(" Known kinds: kantata, salesforce, tryton.") in PAGE


def test_the_page_tells_every_setting_of_a_process_and_no_other() -> None:
    rows = re.findall(r"^\| (`TIEOUT_.*?) \|", PAGE, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(TIEOUT_[A-Z_]+)`", row)}
    assert told == {f"TIEOUT_{name.upper()}" for name in Settings.model_fields}


def test_the_payment_terms_on_the_page_are_days(example: Path) -> None:
    assert load(example).payment_terms == {"Net 30": 30, "Due on receipt": 0}
