"""What a process is told from outside, read once and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from tieout.folder.wording import Refusal, refusals

_PREFIX = "TIEOUT_"
_OTHERS = ("TIEOUT_CONNECTION_", "TIEOUT_CHANNEL_")
_FILE = "_FILE"


class WrongSettings(Exception):
    """One sentence for each environment variable that cannot be right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Settings(BaseModel):
    """Every setting of a process. `read` takes them from `TIEOUT_…`, or from the file that `TIEOUT_…_FILE` names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr | None = Field(
        default=None, description="Address of the Postgres database; left out, a private one runs in the home folder"
    )
    folder: Path = Field(default=Path(), description="The firm folder")
    home: Path = Field(default=Path(".tieout"), description="Where this process keeps its own state")
    host: str = Field(default="127.0.0.1", description="The address that the console and the API listen on")
    port: int = Field(default=8900, ge=0, le=65535, description="Their port; 0 takes a free one")
    role: Literal["web", "worker", "all"] = Field(
        default="all", description="web answers people and systems, worker does the work, all does both"
    )
    workers: int = Field(default=1, ge=1, le=64, description="How many processes do the work")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$",
        description="Where people and systems reach it, such as https://tieout.example.com",
    )
    environment: str = Field(
        default="production",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Which environment this is, shown in the console",
    )
    ballast_mb: int = Field(
        default=128,
        ge=0,
        description="Megabytes kept beside a private database, to be deleted when the disk is full; 0 for none",
    )
    memory_mb: int = Field(
        default=1024,
        ge=256,
        description="Megabytes that a process which works may hold; beyond, it ends itself and its runs go to the next",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged")

    @property
    def address(self) -> str:
        """Where it is reached: the public address, or the one it listens on."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that an environment (`os.environ`) gives. Raises WrongSettings with every wrong variable."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for name in Settings.model_fields:
        variable = _PREFIX + name.upper()
        value, file = environment.get(variable), environment.get(variable + _FILE)
        if value and file:
            problems.append(f"{variable} and {variable}{_FILE} are both set. Set one of them.")
        elif file:
            try:
                values[name] = Path(file).read_text().rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as wrong:
                problems.append(f"{variable}{_FILE} names {file}, which cannot be read: {wrong}")
        elif value:
            values[name] = value
    problems += _misspelt(environment)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as wrong:
        raise WrongSettings(problems + [_sentence(each) for each in refusals(wrong, Settings)]) from None
    if problems:
        raise WrongSettings(problems)
    return settings


def _sentence(refusal: Refusal) -> str:
    return f"{_PREFIX}{str(refusal.path[0]).upper()}: {refusal.what}. {refusal.fix}"


def _misspelt(environment: Mapping[str, str]) -> list[str]:
    """A variable that is nearly one of ours would be ignored in silence, and another database be written to."""
    known = [_PREFIX + name.upper() + end for name in Settings.model_fields for end in ("", _FILE)]
    problems: list[str] = []
    for variable in sorted(environment):
        if variable.startswith(_PREFIX) and variable not in known and not variable.startswith(_OTHERS):
            meant = get_close_matches(variable, known, n=1, cutoff=0.9)
            problems += [f"{variable} means nothing to Tieout. Did you mean {meant[0]}?"] if meant else []
    return problems
