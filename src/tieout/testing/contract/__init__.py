"""The contract suite: what every connector promises, proved on a bench that the connector brings."""

from tieout.testing.contract.bench import Broken, ConnectorBench, Feed, Sample, Trial
from tieout.testing.contract.cases import CHECKS, Case, cases, strange_waivers
from tieout.testing.contract.network import FaultyNetwork

__all__ = [
    "CHECKS",
    "Broken",
    "Case",
    "ConnectorBench",
    "FaultyNetwork",
    "Feed",
    "Sample",
    "Trial",
    "cases",
    "strange_waivers",
]
