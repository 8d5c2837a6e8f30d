"""A Kantata OX account on loopback, with the vendor's envelope, quirks and gaps."""

from tieout.connectors.kantata.emulator.account import FAULT_BODIES, KantataAccount
from tieout.connectors.kantata.emulator.founding import (
    KantataExchangeRate,
    KantataField,
    KantataRateCard,
    KantataTemplate,
    KantataUser,
    RateVersion,
    TemplateTask,
)
from tieout.connectors.kantata.emulator.oauth import Application
from tieout.connectors.kantata.emulator.rules.projects import IN_PROGRESS, IN_SETUP, ON_HOLD

__all__ = [
    "FAULT_BODIES",
    "IN_PROGRESS",
    "IN_SETUP",
    "ON_HOLD",
    "Application",
    "KantataAccount",
    "KantataExchangeRate",
    "KantataField",
    "KantataRateCard",
    "KantataTemplate",
    "KantataUser",
    "RateVersion",
    "TemplateTask",
]
