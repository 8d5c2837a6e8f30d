"""Templates and pages fit each other, escape everything, and bring no script or style of their own."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import anyio
import jinja2
import pytest
from jinja2 import meta, nodes
from tests.console.test_pages import pages_of
from tests.console.world import Caller, seeded_template, world_on

from tieout.console import application, pages
from tieout.console.setting import HERE, STATIC, templates

pytestmark = pytest.mark.anyio
TEMPLATES = sorted((HERE / "templates").glob("*.html"))
CANARY = "\"'><img src=x onerror=alert(1)>{{7*7}}"


def contexts() -> Iterator[Any]:
    modules = [
        importlib.import_module(f"tieout.console.pages.{each.name}") for each in pkgutil.iter_modules(pages.__path__)
    ]
    for module in (*modules, application):
        for each in vars(module).values():
            if is_dataclass(each) and "template" in vars(each) and each.__module__ == module.__name__:
                yield each


def variables_of(name: str) -> set[str]:
    """The variables that a template and the parts it includes want from its page."""
    environment = templates()
    assert environment.loader is not None
    parsed = environment.parse(environment.loader.get_source(environment, name)[0])
    wanted = meta.find_undeclared_variables(parsed)
    bound = {each.name for loop in parsed.find_all(nodes.For) for each in _names(loop.target)}
    bound |= {each.name for part in parsed.find_all(nodes.With) for target in part.targets for each in _names(target)}
    for part in parsed.find_all(nodes.Include):
        assert isinstance(part.template, nodes.Const)
        wanted |= variables_of(part.template.value) - bound
    return wanted - {"frame", "asset", "ui"}


def _names(target: nodes.Node) -> Iterator[nodes.Name]:
    if isinstance(target, nodes.Name):
        yield target
    yield from target.find_all(nodes.Name)


@pytest.mark.parametrize("context", list(contexts()), ids=lambda each: each.template)
def test_a_page_gives_its_template_exactly_what_it_uses(context: Any) -> None:
    assert {each.name for each in fields(context)} == variables_of(context.template)


def test_every_template_belongs_to_a_page_or_is_a_part() -> None:
    used = {each.template for each in contexts()}
    parts = {each.name for each in TEMPLATES} - used
    assert all(name.endswith("_part.html") or name in ("frame.html", "ui.html") for name in parts), parts


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_a_template_has_no_script_no_style_and_no_way_around_escaping(template: Any) -> None:
    text = template.read_text()
    assert not re.search(r"\|\s*safe|autoescape|Markup", text)
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:|data-hx-on", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)


def test_the_vendored_script_is_the_one_that_is_recorded() -> None:
    readme = (STATIC / "vendor" / "README.md").read_text()
    assert hashlib.sha256((STATIC / "vendor" / "htmx.min.js").read_bytes()).hexdigest() in readme


def test_the_scripts_of_a_page_are_small() -> None:
    scripts = re.findall(r'<script src="{{ asset\("([^"]+)"\) }}"', (HERE / "templates" / "frame.html").read_text())
    assert len(scripts) == 4
    sizes = {name: len(gzip.compress((STATIC / name).read_bytes())) for name in scripts}
    assert sum(sizes.values()) <= 40_000, sizes
    assert not any(re.search(r"\beval\(|new Function|innerHTML", (STATIC / name).read_text()) for name in scripts[1:])


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        templates().from_string("{{ nobody.knows }}").render()


def test_text_from_the_connected_systems_is_always_escaped(postgres_template: str) -> None:
    with seeded_template(postgres_template, CANARY) as (url, seeded):

        async def look() -> dict[str, str]:
            async with world_on(url, seeded) as world:
                anna = await Caller(world.app).sign_in(world)
                return {path: await anna.get(path) for path in pages_of(world)}

        found = anyio.run(look)
    with_canary = [path for path, page in found.items() if "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in page]
    assert len(with_canary) > 40
    for path, page in found.items():
        assert "<img" not in page, path
