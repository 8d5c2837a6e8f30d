"""What nobody may read comes from the environment; what is missing is named with the variable to set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tieout.connectors.contract import Claim, ConnectorSpec, Guarantee, Operation
from tieout.domain.firm import Firm
from tieout.folder.connections import CONNECTIONS, resolve, variables
from tieout.folder.environment import secrets_of
from tieout.folder.finding import UnusableFolder
from tieout.folder.loading import check, load

Kinds = Mapping[str, ConnectorSpec]

SECRETS = {
    "TIEOUT_CONNECTION_SALES_PASSWORD": "one",
    "TIEOUT_CONNECTION_DELIVERY_PASSWORD": "two",
    "TIEOUT_CONNECTION_ERP_US_PASSWORD": "three",
}


@pytest.fixture
def firm(folder: Path, kinds: Kinds) -> Firm:
    return load(folder, kinds)


def refused(firm: Firm, environment: Mapping[str, str], kinds: Kinds) -> list[str]:
    with pytest.raises(UnusableFolder) as raised:
        resolve(firm, environment, kinds)
    return [str(each) for each in raised.value.findings]


def test_a_variable_is_named_after_connection_and_setting() -> None:
    assert CONNECTIONS.variable("erp-us", "password") == "TIEOUT_CONNECTION_ERP_US_PASSWORD"


def test_every_connection_gets_its_settings_and_its_secrets(firm: Firm, kinds: Kinds) -> None:
    configs = resolve(firm, SECRETS, kinds)
    assert configs["erp-us"].model_dump(exclude={"password"}) == {
        "url": "https://erp.example",
        "token": None,
        "login": None,
        "region": "eu",
        "timeout": 30.0,
        "sandbox": False,
        "version": "60.0",
    }
    assert getattr(configs["erp-us"], "password").get_secret_value() == "three"  # noqa: B009
    assert (getattr(configs["sales"], "timeout"), getattr(configs["sales"], "sandbox")) == (12.5, True)  # noqa: B009


def test_a_missing_secret_is_named_with_the_variable_to_set(firm: Firm, kinds: Kinds) -> None:
    environment = {**SECRETS, "TIEOUT_CONNECTION_ERP_US_PASSWORD": ""}
    assert refused(firm, environment, kinds) == [
        "tieout.yaml: connections.erp-us.settings.password: the secret is missing. "
        "Set TIEOUT_CONNECTION_ERP_US_PASSWORD (or …_FILE)."
    ]


def test_a_secret_can_stand_in_a_file(firm: Firm, kinds: Kinds, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    environment = {**SECRETS, "TIEOUT_CONNECTION_SALES_PASSWORD_FILE": str(tmp_path / "secret")}
    del environment["TIEOUT_CONNECTION_SALES_PASSWORD"]
    assert getattr(resolve(firm, environment, kinds)["sales"], "password").get_secret_value() == "from a file"  # noqa: B009


def test_a_file_that_is_not_there_and_a_secret_that_is_given_twice(firm: Firm, kinds: Kinds) -> None:
    environment = {
        **SECRETS,
        "TIEOUT_CONNECTION_SALES_PASSWORD_FILE": "/nowhere/secret",
        "TIEOUT_CONNECTION_ERP_US_TOKEN_FILE": "/nowhere/token",
    }
    assert refused(firm, environment, kinds) == [
        "environment: TIEOUT_CONNECTION_SALES_PASSWORD_FILE: password of sales is given twice. "
        "Set it with or without _FILE.",
        "environment: TIEOUT_CONNECTION_ERP_US_TOKEN_FILE: /nowhere/token cannot be read: "
        "[Errno 2] No such file or directory: '/nowhere/token'. Name a readable text file.",
    ]


def test_the_environment_goes_before_the_folder(firm: Firm, kinds: Kinds) -> None:
    environment = {**SECRETS, "TIEOUT_CONNECTION_SALES_URL": "https://elsewhere.example"}
    assert getattr(resolve(firm, environment, kinds)["sales"], "url") == "https://elsewhere.example"  # noqa: B009


def test_a_wrong_value_from_the_environment_is_told_by_its_variable(firm: Firm, kinds: Kinds) -> None:
    environment = {**SECRETS, "TIEOUT_CONNECTION_SALES_URL": "ftp://x", "TIEOUT_CONNECTION_SALES_TIMEOUT": "soon"}
    assert refused(firm, environment, kinds) == [
        "environment: TIEOUT_CONNECTION_SALES_URL: “ftp://x” does not look right. Expected: Its address, https://….",
        "environment: TIEOUT_CONNECTION_SALES_TIMEOUT: “soon” is not a number. Expected: Seconds.",
    ]


def test_a_misspelt_variable_of_a_connection_is_told(firm: Firm, kinds: Kinds) -> None:
    environment = {**SECRETS, "TIEOUT_CONNECTION_ERP_US_TOEKN": "x", "TIEOUT_CONNECTION_ERP_FR_PASSWORD": "not ours"}
    assert refused(firm, environment, kinds) == [
        "environment: TIEOUT_CONNECTION_ERP_US_TOEKN: ledger has no such setting. "
        "Did you mean “TIEOUT_CONNECTION_ERP_US_TOKEN”?"
    ]


def test_what_the_connector_demands_in_words_is_told_with_the_variable(firm: Firm, kinds: Kinds) -> None:
    environment = {**SECRETS, "TIEOUT_CONNECTION_SALES_REGION": "us"}
    assert refused(firm, environment, kinds) == [
        "tieout.yaml: connections.sales.settings: the us region needs token. "
        "Set TIEOUT_CONNECTION_SALES_TOKEN (or …_FILE)."
    ]


def test_a_setting_may_come_from_either_side_and_must_come_from_one(
    folder: Path, kinds: Kinds, rewrite: Callable[[str, str, str], None]
) -> None:
    rewrite("tieout.yaml", "      url: https://erp.example\n", "")
    firm = load(folder, kinds)
    assert refused(firm, SECRETS, kinds) == [
        "tieout.yaml: connections.erp-us.settings.url: is missing. "
        "Say it under settings, or set TIEOUT_CONNECTION_ERP_US_URL. Expected: Its address, https://…."
    ]
    assert [(each.file, each.line) for each in check(folder, SECRETS, kinds)] == [("tieout.yaml", 11)]
    assert check(folder, {**SECRETS, "TIEOUT_CONNECTION_ERP_US_URL": "https://erp.example"}, kinds) == []


def test_check_tells_what_the_environment_lacks_beside_the_line_it_belongs_to(folder: Path, kinds: Kinds) -> None:
    findings = check(folder, {"TIEOUT_CONNECTION_SALES_NOTHING": "x"}, kinds)
    assert [(each.file, each.line) for each in findings] == [
        ("environment", None),
        ("tieout.yaml", 5),
        ("tieout.yaml", 6),
        ("tieout.yaml", 11),
    ]


def test_a_secret_in_a_firm_that_came_from_elsewhere_is_refused_too(firm: Firm, kinds: Kinds) -> None:
    leaky = firm.connections["sales"].model_copy(update={"settings": {"url": "https://x", "password": "hush"}})
    lines = refused(firm.model_copy(update={"connections": {"sales": leaky}}), SECRETS, kinds)
    assert len(lines) == 1
    assert "connections.sales.settings.password: is a secret in a file that others read" in lines[0]
    assert "hush" not in lines[0]


def test_a_wrong_secret_is_not_repeated(firm: Firm, kinds: Kinds) -> None:
    odd = firm.connections["sales"].model_copy(update={"settings": {"url": "https://x", "password": ["hush"]}})
    environment = {"TIEOUT_CONNECTION_DELIVERY_PASSWORD": "two"}
    lines = refused(firm.model_copy(update={"connections": {"sales": odd}}), environment, kinds)
    assert (
        lines[0]
        == "tieout.yaml: connections.sales.settings.password: the secret is not a text. Expected: Its password."
    )
    assert "hush" not in "".join(lines)


def test_a_wrong_setting_of_a_stored_firm_is_told(firm: Firm, kinds: Kinds) -> None:
    wrong = firm.connections["sales"].model_copy(update={"settings": {"url": "ftp://x"}})
    assert refused(firm.model_copy(update={"connections": {"sales": wrong}}), SECRETS, kinds) == [
        "tieout.yaml: connections.sales.settings.url: “ftp://x” does not look right. Expected: Its address, https://…."
    ]


def test_a_kind_whose_connector_is_no_longer_installed_is_told(firm: Firm, kinds: Kinds) -> None:
    assert refused(firm, SECRETS, {"demo": kinds["demo"]}) == [
        "tieout.yaml: connections.erp-us.kind: “ledger” is not a kind of system that Tieout speaks to. Say one of: demo."
    ]


def test_the_longest_name_owns_a_variable(firm: Firm, kinds: Kinds) -> None:
    short = firm.connections["erp-us"].model_copy(update={"entity": None, "role": "psa"})
    both = firm.model_copy(update={"connections": {"erp": short, "erp-us": firm.connections["erp-us"]}})
    environment = {"TIEOUT_CONNECTION_ERP_US_PASSWORD": "long", "TIEOUT_CONNECTION_ERP_PASSWORD": "short"}
    configs = resolve(both, environment, kinds)
    assert getattr(configs["erp"], "password").get_secret_value() == "short"  # noqa: B009
    assert getattr(configs["erp-us"], "password").get_secret_value() == "long"  # noqa: B009


def test_every_variable_can_be_listed_for_those_who_deploy(firm: Firm, kinds: Kinds) -> None:
    listed = {each.name: each for each in variables(firm, {"ledger": kinds["ledger"]})}
    assert set(listed) == {CONNECTIONS.variable("erp-us", setting) for setting in kinds["ledger"].config.model_fields}
    password, url = listed["TIEOUT_CONNECTION_ERP_US_PASSWORD"], listed["TIEOUT_CONNECTION_ERP_US_URL"]
    assert (password.secret, password.required, password.description) == (True, True, "Its password")
    assert (url.secret, url.required) == (False, False)


def test_an_optional_secret_is_a_secret(kinds: Kinds) -> None:
    assert secrets_of(kinds["demo"].config) == {"password", "token"}


def test_the_installed_kinds_are_asked_when_none_are_given(firm: Firm) -> None:
    assert variables(firm) == []
    with pytest.raises(UnusableFolder, match="is not a kind of system"):
        resolve(firm, {})


def moving_money(guarantee: Guarantee, money: Claim = Claim.MOVED) -> Operation:
    return Operation(
        "bill.pay", guarantee, "pay the bill", horizon=timedelta(hours=20), creates="payment", money=money, undo=""
    )


@pytest.mark.parametrize("guarantee", [Guarantee.LOOK_UP, Guarantee.NONE])
def test_a_connection_that_could_move_money_twice_is_refused(
    folder: Path, firm: Firm, kinds: Kinds, guarantee: Guarantee
) -> None:
    risky = {**kinds, "ledger": replace(kinds["ledger"], writes={"bill.pay": moving_money(guarantee)})}
    told = (
        f"tieout.yaml: connections.erp-us.kind: Ledger moves money with bill.pay in class {guarantee.value}: "
        "after a lost answer nothing there stops a second time. "
        "Use a connector that makes a draft for a person to post, or one with class A, B or C."
    )
    assert refused(firm, SECRETS, risky) == [told]
    (found,) = check(folder, SECRETS, risky)
    assert (found.line, found.what) == (8, told.split(": ", 2)[2].rsplit(". Use", 1)[0])


def test_an_invoice_for_several_needs_an_erp_that_takes_drafts_back(folder: Path, kinds: Kinds) -> None:
    main = folder / "tieout.yaml"
    main.write_text(main.read_text() + "\nconsolidated:\n  - { one_per: project }\n")
    assert check(folder, SECRETS, kinds) == [], "what stays alone needs nothing"
    main.write_text(main.read_text().replace("one_per: project", "one_per: customer"))
    assert [str(each).partition(": ")[2] for each in check(folder, SECRETS, kinds)] == [
        "consolidated[0]: erp-us (Ledger) takes no draft back, and an invoice for several projects is drafted anew. "
        "Use a connector with invoice.withdraw, or leave consolidated out."
    ]
    withdraw = replace(moving_money(Guarantee.UPSERT, Claim.DRAFTED), name="invoice.withdraw")
    able = {**kinds, "ledger": replace(kinds["ledger"], writes={withdraw.name: withdraw})}
    assert check(folder, SECRETS, able) == []


@pytest.mark.parametrize("guarantee", [Guarantee.KEY, Guarantee.UPSERT, Guarantee.UNIQUE])
def test_money_may_move_where_the_target_stops_a_second_time(firm: Firm, kinds: Kinds, guarantee: Guarantee) -> None:
    safe = {**kinds, "ledger": replace(kinds["ledger"], writes={"bill.pay": moving_money(guarantee)})}
    assert "erp-us" in resolve(firm, SECRETS, safe)


def test_a_draft_may_be_looked_up(firm: Firm, kinds: Kinds) -> None:
    drafting = moving_money(Guarantee.LOOK_UP, Claim.DRAFTED)
    kept = {**kinds, "ledger": replace(kinds["ledger"], writes={"bill.draft": drafting})}
    assert "erp-us" in resolve(firm, SECRETS, kept)


def test_without_the_policy_the_connection_would_open(
    firm: Firm, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saboteur: an operation that does not know its risk."""
    risky = {**kinds, "ledger": replace(kinds["ledger"], writes={"bill.pay": moving_money(Guarantee.NONE)})}
    monkeypatch.setattr(Operation, "risks_a_second_claim", property(lambda _: False))
    assert "erp-us" in resolve(firm, SECRETS, risky)
