"""Every system in its role, for one run: what a flow speaks to. Above here everything is canonical."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast
from zoneinfo import ZoneInfo

from tieout.connectors.contract import Connector, Ledger
from tieout.domain.firm import Firm, Role
from tieout.domain.problems import Misconfigured
from tieout.engine.configuration import Configuration
from tieout.engine.effects import Effects
from tieout.engine.run import Clock
from tieout.store.database import Database, Trial
from tieout.systems.consolidated import Consolidated
from tieout.systems.credits import Credits
from tieout.systems.crm import Crm, CrmConnection
from tieout.systems.drafts import Drafts
from tieout.systems.erp import Erp
from tieout.systems.fitting import Fitted
from tieout.systems.lending import Lent
from tieout.systems.looks import Looks
from tieout.systems.metering import Metering
from tieout.systems.psa import Psa, PsaConnection
from tieout.systems.register import Register
from tieout.systems.spans import Spans
from tieout.systems.together import Together

# A batch that is on its way is held in memory, and each asks the database for itself.
_MOST_HANDS = 64


class Systems:
    """The firm's systems by role and legal entity, and the hub's own books."""

    def __init__(
        self,
        firm: Firm,
        connections: Mapping[str, Connector],
        register: Register,
        database: Database,
        effects: Effects,
        sabotage: frozenset[str] = frozenset(),
        looks: Looks | None = None,
    ) -> None:
        self.firm = firm
        self.looks = looks or Looks()
        self.register = register
        self.credits = Credits(database, register.now)
        self.consolidated = Consolidated(database, register.now, sabotage)
        self.drafts = Drafts(database, register.now, sabotage)
        self.spans = Spans(database)
        self.lending = Lent(database)
        self.metering = Metering(database, register.now, register.together)
        self._sabotage = sabotage
        self._connections = connections
        self._database = database
        self._effects = Fitted(effects, database)

    def crm(self, connection: str) -> Crm:
        """The CRM that a record came from."""
        told = self.firm.shows_holds(connection)
        return Crm(cast(CrmConnection, self._connections[connection]), self._effects, self.register, shows_holds=told)

    def crm_of(self, entity: str) -> Crm:
        """The CRM that sells for a legal entity."""
        return Crm(cast(CrmConnection, self._playing("crm", entity)), self._effects, self.register)

    def psa(self, entity: str) -> Psa:
        return Psa(cast(PsaConnection, self._playing("psa", entity)), self._effects, self.register)

    def psa_named(self, connection: str) -> Psa:
        """The PSA that a record came from."""
        return Psa(cast(PsaConnection, self._connections[connection]), self._effects, self.register)

    def erp(self, entity: str) -> Erp:
        return self._erp(self._playing("erp", entity))

    def erp_named(self, connection: str) -> Erp:
        """The ERP that a record came from."""
        return self._erp(self._connections[connection])

    def _erp(self, connection: Connector) -> Erp:
        """As many batches go to it at once as the firm says that it takes calls; where it does not say, and in a rehearsal, which
        has one connection to the database, one after the other."""
        here = self.register.now().astimezone(ZoneInfo(self.firm.time_zone))
        most = self.firm.limits(connection.name).at_once_at(here)
        hands = 1 if most is None or isinstance(self._database, Trial) else min(most, _MOST_HANDS)
        return Erp(cast(Ledger, connection), self._effects, self.register, self._database, hands, self._sabotage)

    def _playing(self, role: Role, entity: str) -> Connector:
        name = self.firm.connection(role, entity)
        if name is None:
            raise Misconfigured(f"no connection plays the role {role} for {entity}", role)
        return self._connections[name]


def systems_for(
    connections: Mapping[str, Connector], clock: Clock, sabotage: frozenset[str] = frozenset()
) -> Callable[..., Systems]:
    """Builds the Systems of each run, with the configuration that it decides with; `sabotage` is theirs, too (see engine.effects)."""

    shared: list[Together] = []
    looks = Looks()

    def together(database: Database) -> Together:
        """A rehearsal has books of its own, which are rolled back."""
        if isinstance(database, Trial):
            return Together(database)
        if not shared or shared[0].database is not database:
            shared[:] = [Together(database)]
        return shared[0]

    def build(effects: Effects, database: Database, configuration: Configuration) -> Systems:
        register = Register(database, clock, values_at=configuration.values_at, together=together(database))
        rehearsed = isinstance(database, Trial)
        return Systems(
            configuration.firm, connections, register, database, effects, sabotage, None if rehearsed else looks
        )

    return build
