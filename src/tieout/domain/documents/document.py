"""What every canonical document has in common: a kind, a schema version, a business key and a fingerprint."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from tieout.domain.identity import content_hash


class Part(BaseModel):
    """A value inside a document: frozen, and nothing unknown slips in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Part):
    """A business object in Tieout's own words.

    `schema_version` moves when a stored document of the version before would not load; `upcast` then learns to lift it.
    """

    kind: ClassVar[str]
    schema_version: ClassVar[int] = 1

    key: str

    def body(self) -> dict[str, Any]:
        """JSON-ready: decimals as strings, dates in ISO 8601."""
        return self.model_dump(mode="json")

    def fingerprint(self) -> str:
        return content_hash([self.kind, self.schema_version, self.body()])
