"""A Salesforce org on loopback that independent clients cannot tell from a small real one."""

from tieout.connectors.salesforce.emulator.org import FAULT_BODIES, SalesforceOrg
from tieout.connectors.salesforce.emulator.sessions import ConnectedApp, OrgUser

__all__ = ["FAULT_BODIES", "ConnectedApp", "OrgUser", "SalesforceOrg"]
