"""A process is told once what it is, and a variable that cannot be right is told before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tieout.settings import Settings, WrongSettings, read


def problems(environment: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(WrongSettings) as raised:
        read(environment)
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems


def test_an_empty_environment_is_a_small_firm_on_one_machine() -> None:
    settings = read({"PATH": "/usr/bin", "TIEOUT_PORT": ""})
    assert settings == Settings()
    assert settings.database_url is None
    assert (settings.folder, settings.home) == (Path(), Path(".tieout"))
    assert settings.address == "http://127.0.0.1:8900"


def test_everything_can_be_told() -> None:
    settings = read(
        {
            "TIEOUT_DATABASE_URL": "postgresql://hub@db/tieout",
            "TIEOUT_FOLDER": "/firm",
            "TIEOUT_HOME": "/var/lib/tieout",
            "TIEOUT_HOST": "0.0.0.0",
            "TIEOUT_PORT": "80",
            "TIEOUT_ROLE": "worker",
            "TIEOUT_PUBLIC_URL": "https://tieout.kestrel.example/hub/",
            "TIEOUT_ENVIRONMENT": "staging",
            "TIEOUT_LOG_LEVEL": "debug",
            "TIEOUT_CONNECTION_ERP_US_PASSWORD": "not ours",
        }
    )
    assert settings.address == "https://tieout.kestrel.example/hub"
    assert (settings.port, settings.role, settings.environment) == (80, "worker", "staging")
    assert "hub@db" not in repr(settings)


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://secret\n")
    url = read({"TIEOUT_DATABASE_URL_FILE": str(tmp_path / "url")}).database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql://secret"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert problems(
        {
            "TIEOUT_DATABASE_URL": "x",
            "TIEOUT_DATABASE_URL_FILE": "/x",
            "TIEOUT_HOME_FILE": "/nowhere/home",
            "TIEOUT_PORT": "99999",
            "TIEOUT_PUBLIC_URL": "tieout.example",
        }
    ) == (
        "TIEOUT_DATABASE_URL and TIEOUT_DATABASE_URL_FILE are both set. Set one of them.",
        "TIEOUT_HOME_FILE names /nowhere/home, which cannot be read: "
        "[Errno 2] No such file or directory: '/nowhere/home'",
        "TIEOUT_PORT: “99999” should be less than or equal to 65535. Expected: Their port; 0 takes a free one.",
        "TIEOUT_PUBLIC_URL: “tieout.example” does not look right. "
        "Expected: Where people and systems reach it, such as https://tieout.example.com.",
    )


def test_a_misspelt_variable_would_start_another_database_in_silence() -> None:
    assert problems({"TIEOUT_DATABSE_URL": "postgresql://x"}) == (
        "TIEOUT_DATABSE_URL means nothing to Tieout. Did you mean TIEOUT_DATABASE_URL?",
    )


def test_variables_that_others_set_for_a_service_of_our_name_do_no_harm() -> None:
    assert read({"TIEOUT_SERVICE_HOST": "10.0.0.1", "TIEOUT_PORT_8900_TCP_PROTO": "tcp"}) == Settings()


def test_settings_do_not_change_while_a_process_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # pyright: ignore[reportAttributeAccessIssue]
