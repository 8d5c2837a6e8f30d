"""The tables of the account: one entry for each collection that the sandbox knows."""

from tieout.connectors.kantata.emulator.catalogue.billing import BILLING
from tieout.connectors.kantata.emulator.catalogue.linking import LINKING
from tieout.connectors.kantata.emulator.catalogue.people import PEOPLE
from tieout.connectors.kantata.emulator.catalogue.projects import PROJECTS
from tieout.connectors.kantata.emulator.catalogue.rates import RATES
from tieout.connectors.kantata.emulator.catalogue.tasks import TASKS
from tieout.connectors.kantata.emulator.catalogue.work import WORK

CATALOGUE = {each.name: each for each in (*PEOPLE, *PROJECTS, *TASKS, *RATES, *WORK, *BILLING, *LINKING)}
