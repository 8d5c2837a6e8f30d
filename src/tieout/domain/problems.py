"""The catalogue of problems: why a document waits, in the six answers that a person needs to end the wait.

And the four errors, named by what the hub does next. A write whose outcome is unknown is none of them: it is a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from string import Formatter

from tieout.domain.identity import digest
from tieout.domain.money import Money


@dataclass(frozen=True, slots=True)
class Kind:
    """One entry of the catalogue; the texts are templates over the problem's facts."""

    what: str
    why: str
    owner: str
    fix: str
    where: str
    within: timedelta
    # The facts that make two problems one cause: fixing it once fixes all of them.
    cause: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why something waits. `facts` fill the templates; `quote` is the vendor's own text, shown beneath ours.

    `amount` is what waits for this reason; without it, what the document is worth.
    """

    code: str
    facts: Mapping[str, str] = field(default_factory=dict[str, str])
    quote: str = ""
    amount: Money | None = None

    def __post_init__(self) -> None:
        missing = facts_of(CATALOGUE[self.code]) - self.facts.keys()
        if missing:
            raise ValueError(f"problem {self.code} lacks {sorted(missing)}")

    @property
    def cause(self) -> str:
        """Equal for all problems that one fix ends; the problem's own facts where each needs its own."""
        names = CATALOGUE[self.code].cause or tuple(sorted(self.facts))
        return f"{self.code}:{digest(self.code, *(f'{name}={self.facts[name]}' for name in names))[:16]}"


@dataclass(frozen=True, slots=True)
class Explained:
    """The six answers."""

    what: str
    why: str
    owner: str
    fix: str
    where: str
    within: timedelta


def explain(problem: Problem) -> Explained:
    kind = CATALOGUE[problem.code]
    facts = problem.facts
    return Explained(
        what=kind.what.format_map(facts),
        why=kind.why.format_map(facts),
        owner=kind.owner.format_map(facts),
        fix=kind.fix.format_map(facts),
        where=kind.where.format_map(facts),
        within=kind.within,
    )


def facts_of(kind: Kind) -> set[str]:
    """The names that the templates of a catalogue entry use."""
    texts = (kind.what, kind.why, kind.owner, kind.fix, kind.where)
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name} | set(kind.cause)


class Rejected(Exception):
    """A person must decide or correct something: every problem at once, never the first one only."""

    def __init__(self, *problems: Problem, amount: Money | None = None) -> None:
        super().__init__("; ".join(explain(problem).what for problem in problems))
        self.problems = problems
        self.amount = amount


class Transient(Exception):
    """It certainly had no effect and may work later: the engine tries again. `after` is the vendor's own wish, in seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class NoLeave(Transient):
    """The call was not made: its turn, by the limits of the system, did not come. `after` is when to ask again."""

    after: float

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message, after)


class Conflict(Exception):
    """Somebody else changed the record first: read again, decide again."""


class Misconfigured(Exception):
    """The connection itself is wrong (credentials, rights, address): pause it and tell its owner."""


_DAY = timedelta(days=1)
_HOURS_4 = timedelta(hours=4)

CATALOGUE: Mapping[str, Kind] = {
    "deal.field_missing": Kind(
        what="{label} is missing on the deal “{deal}”.",
        why="Without it the project cannot be set up, and nobody can book time on {amount} of sold work.",
        owner="sales operations",
        fix="Fill {field} on the opportunity in the CRM; the deal continues by itself.",
        where="{link}",
        within=_DAY,
    ),
    "deal.field_invalid": Kind(
        what="{label} on the deal “{deal}” is {value}, which cannot be right: {reason}.",
        why="The project and its invoices would carry the mistake; {amount} of sold work waits.",
        owner="sales operations",
        fix="Correct {field} on the opportunity in the CRM; the deal continues by itself.",
        where="{link}",
        within=_DAY,
    ),
    "deal.currency_differs": Kind(
        what="The deal “{deal}” is in {currency}, but {entity} sells in {entity_currency}.",
        why="Tieout never converts a price by itself: the invoice would be in a currency that nobody agreed on.",
        owner="sales operations",
        fix="Choose the legal entity that contracts in {currency}, or correct the currency of the opportunity.",
        where="{link}",
        within=_DAY,
    ),
    "deal.terms_differ": Kind(
        what="The signed contract of “{deal}” says {signed}, the CRM says {stated}.",
        why="The invoice would fall due on a day the customer did not sign. Work may start; billing waits.",
        owner="finance operations",
        fix="Make the payment terms of the opportunity agree with the signed paper.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "deal.reopened": Kind(
        what="The deal “{deal}” is no longer won ({stage}), but its project has {hours} hours of work.",
        why="The work is done and has no contract behind it; {amount} may not be billable.",
        owner="sales operations and the delivery lead",
        fix="Set the opportunity back to won, or agree a change order that ends the engagement.",
        where="{link}",
        within=_HOURS_4,
    ),
    "early_start.over": Kind(
        what="The deal “{deal}” is not signed, and its work could go on until {until}: {hours} hours, worth {amount}, are at risk.",
        why="Nobody has agreed to pay for this work. The project is stopped until somebody does.",
        owner="sales operations and the delivery lead",
        fix="Win the deal, and the hours become billable by themselves; or mark it lost and write the hours off.",
        where="{link}",
        within=_DAY,
    ),
    "early_start.lost": Kind(
        what="The deal “{deal}” is {stage} and never was signed; {hours} hours, worth {amount}, were worked on it at risk.",
        why="The work is done and nobody owes anything for it. The project is stopped.",
        owner="sales operations and the delivery lead",
        fix="Win the deal after all, or move the hours to where they belong and write the rest off in the PSA.",
        where="{link}",
        within=_DAY,
    ),
    "early_start.differs": Kind(
        what="“{deal}” was won, but {label} is {now} and people have been working on {project} with {before}.",
        why="Their hours stand on tasks and books that the contract does not have, so they cannot become billable by themselves.",
        owner="sales operations and the delivery lead",
        fix="Set it back to {before} on the opportunity, or move the hours and agree the difference as a change order.",
        where="{link}",
        within=_DAY,
    ),
    "deal.amount_changed": Kind(
        what="The deal “{deal}” now says {now}; contract version {version} says {before}.",
        why="A signed baseline does not move by editing the deal; until a change order is agreed, both figures are wrong somewhere.",
        owner="sales operations",
        fix="Raise a change order for the difference, or set the opportunity back to {before}.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "deal.quote_changed": Kind(
        what="The quote of “{deal}” now has {now}; contract version {version} has {before}.",
        why="Quoting a deal again after it was won changes no contract: what was added has no project, what was left out goes on.",
        owner="sales operations",
        fix="Raise a change order that adds or removes the packages, or sync the quote by which the deal was won.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "deal.deleted": Kind(
        what="The deal of engagement {engagement} was deleted in the CRM after its project had been set up.",
        why="Work may go on without a contract behind it.",
        owner="sales operations",
        fix="Restore the opportunity from the recycle bin, or close the project by a change order.",
        where="{link}",
        within=_HOURS_4,
    ),
    "value.missing": Kind(
        what="{table} knows no value for “{value}” in {entity}.",
        why="Everything with this value waits: its {purpose} cannot be derived.",
        owner="finance master data",
        fix="Add “{value}” to the value table {table}, or correct the value at its source.",
        where="/tables/{table}?value={value}&entity={entity}",
        within=_DAY,
        cause=("table", "value", "entity"),
    ),
    "package.unknown": Kind(
        what="The deal “{deal}” sells the service package {package}, which the firm folder does not have.",
        why="The tasks, roles and rates of the project come from the package.",
        owner="delivery operations",
        fix="Add packages/{package}.yaml to the firm folder and apply it, or correct the package on the opportunity.",
        where="{link}",
        within=_DAY,
        cause=("package",),
    ),
    "customer.possible_duplicate": Kind(
        what="“{customer}” may already be a customer in the ERP: {candidates}.",
        why="Two customers for one company split its receivables, its credit limit and its statements.",
        owner="finance master data",
        fix="Decide in the console: it is the same company (Tieout links them) or another one (Tieout creates it).",
        where="{link}",
        within=_HOURS_4,
    ),
    "customer.merged": Kind(
        what="“{loser}” was merged into “{winner}” in the CRM, and both are customers in the ERP ({ledgers}).",
        why="Tieout never merges ledgers behind finance's back: each of the two may hold open invoices.",
        owner="finance master data",
        fix="Decide which ERP customer goes on; new invoices go to “{winner}” from now on.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "customer.two_accounts": Kind(
        what="“{account}” is the same company as “{customer}”: the CRM has two accounts for one customer.",
        why="Sales sees half of what the customer owes, and only one of the two shows the ERP's number.",
        owner="sales operations",
        fix="Merge the two accounts in the CRM; Tieout follows.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "customer.cycle": Kind(
        what="The parents of “{customer}” go round in a circle: {path}.",
        why="A hierarchy without a top cannot be created in the ERP.",
        owner="sales operations",
        fix="Correct the parent account in the CRM.",
        where="{link}",
        within=_DAY,
    ),
    "name.collides": Kind(
        what="{system} has no room for “{full}”, and what is left of it is what {rival} is called there; it stands as “{name}”.",
        why="People who pick it from a list may take the one for the other, and book or bill on the wrong one.",
        owner="sales operations",
        fix="Tell delivery about the mark in the name; give the next one a name that differs in its first words.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "text.too_long": Kind(
        what="{system} takes {most} characters for the {field} of {subject}, and “{value}” has {length}.",
        why="It must not be shortened, for with a piece missing it would be another one; what comes after it waits.",
        owner="{owner}",
        fix="Correct it at its source, or let {system} take more, then replay.",
        where="/x/{subject}",
        within=_DAY,
    ),
    "person.unknown": Kind(
        what="{person} has booked time, but the ERP of {entity} has no such employee.",
        why="Their hours cannot be costed or billed.",
        owner="people operations",
        fix="Create the employee with this number in the ERP, or correct the person in the PSA.",
        where="{link}",
        within=_DAY,
        cause=("person", "entity"),
    ),
    "time.unreadable": Kind(
        what="The time entry {subject} of {system} says what cannot be read.",
        why="Its hours are neither delivered nor billed as they are now; all other time goes on.",
        owner="delivery operations",
        fix="Correct the entry in the PSA; what it says is quoted here. It goes on by itself.",
        where="{link}",
        within=_DAY,
        cause=("system", "subject"),
    ),
    "time.project_unknown": Kind(
        what="{hours} hours of {person} are on a project that Tieout does not know ({project}).",
        why="Nobody sold this project, so nobody can be billed for it.",
        owner="delivery operations",
        fix="Move the hours to the right project in the PSA, or win the deal that belongs to it.",
        where="{link}",
        within=_DAY,
        cause=("project",),
    ),
    "time.task_unknown": Kind(
        what="{hours} hours of {person} on {project} are on a task that the contract does not have ({task}){change}.",
        why="Without a task there is no role and no agreed rate, so {amount} cannot be billed.",
        owner="the project manager",
        fix="Move the hours to one of the contract's tasks in the PSA, or have the change order approved that adds it.",
        where="{link}",
        within=_DAY,
        cause=("project", "task"),
    ),
    "time.rate_missing": Kind(
        what="There is no rate for {role} on {day} in rate card {card}.",
        why="The hours cannot be priced, so they cannot be billed.",
        owner="finance operations",
        fix="Add the role to the rate card, with a version that is valid on {day}.",
        where="{link}",
        within=_DAY,
        cause=("role", "card"),
    ),
    "time.rate_differs": Kind(
        what="The PSA carries {carried} an hour for {person} on {day}; rate card {card} version {version} says {agreed}.",
        why="The customer would be billed at a rate that was not agreed.",
        owner="the project manager",
        fix="Correct the rate of the entry in the PSA, or agree the other rate in the rate card.",
        where="{link}",
        within=_DAY,
        cause=("person", "card", "version", "carried"),
    ),
    "time.entity_differs": Kind(
        what="{person} of {person_entity} worked on projects of {entity}, and nobody has said what {entity} pays for it.",
        why="The customer is billed all the same; the cost is on no timesheet and cannot be settled between the companies.",
        owner="finance operations",
        fix="Add {person_entity}/{entity} to the value table transfer_share: the share of the agreed value, such as 0.7.",
        where="{link}",
        within=timedelta(days=7),
        cause=("person_entity", "entity"),
    ),
    "time.vendor_rate_missing": Kind(
        what="{person} works for {vendor}, and nobody has said what an hour costs.",
        why="The customer is billed all the same; no bill of {vendor} can be compared with the hours.",
        owner="finance operations",
        fix="Add {person} to the value table subcontractor_rate: money per hour, such as 95.00 USD.",
        where="{link}",
        within=timedelta(days=7),
        cause=("person", "vendor"),
    ),
    "expense.unreadable": Kind(
        what="The expense {subject} of {system} says what cannot be read.",
        why="It is not billed as it is now; all other expenses go on.",
        owner="delivery operations",
        fix="Correct the expense in the PSA; what it says is quoted here. It goes on by itself.",
        where="{link}",
        within=_DAY,
        cause=("system", "subject"),
    ),
    "milestone.unreadable": Kind(
        what="The milestone {subject} of {system} says what cannot be read.",
        why="It stays as far accepted as it was; all other milestones go on.",
        owner="the project manager",
        fix="Correct the milestone in the PSA; what it says is quoted here. It goes on by itself.",
        where="{link}",
        within=_DAY,
        cause=("system", "subject"),
    ),
    "expense.project_unknown": Kind(
        what="{person} claims {amount} on a project that Tieout does not know ({project}).",
        why="Nobody sold this project, so nobody can be charged for it.",
        owner="delivery operations",
        fix="Move the expense to the right project in the PSA, or win the deal that belongs to it.",
        where="{link}",
        within=_DAY,
        cause=("project",),
    ),
    "expense.entity_differs": Kind(
        what="{person} of {person_entity} claims {amount} on a project of {entity}.",
        why="Between two companies of the firm it needs a transfer price, and none is agreed; without it both would count the cost.",
        owner="finance operations",
        fix="Add {value} to the value table {table} (1.00 is at cost), or move the expense to a project of {person_entity}.",
        where="/tables/{table}?value={value}&entity=*",
        within=timedelta(days=3),
        cause=("table", "value"),
    ),
    "expense.category_unknown": Kind(
        what="Neither the contract nor the firm says what becomes of expenses for {category}; {amount} waits.",
        why="Recharged with tax, passed on in the customer's name without it, or not billed at all: each is another invoice.",
        owner="finance operations",
        fix="Add {category} to the categories under `expenses` in tieout.yaml, or correct the category in the PSA.",
        where="{link}",
        within=_DAY,
        cause=("category",),
    ),
    "expense.receipt_missing": Kind(
        what="{person} claims {amount} on {project} without a receipt.",
        why="Without it the customer does not pay, and the tax in it is not given back.",
        owner="the project manager",
        fix="Attach the receipt to the expense in the PSA, or make it non-billable there.",
        where="{link}",
        within=timedelta(days=3),
        cause=("person", "project"),
    ),
    "expense.rate_missing": Kind(
        what="There is no rate {value} on {day}; {amount} of expenses waits.",
        why="Tieout never converts an amount by itself: each day's rate is a decision that somebody must have made.",
        owner="finance operations",
        fix="Add {value} to the value table {table}, valid from {day} or before.",
        where="/tables/{table}?value={value}&entity={entity}",
        within=_DAY,
        cause=("table", "value", "entity"),
    ),
    "expense.tax_contradicts": Kind(
        what="Expenses for {category} are disbursed without tax, but the PSA says of {amount} that it is taxable.",
        why="Either the supplier's invoice is in our name, and its recharge is taxed in full, or it is not: the tax is owed either way.",
        owner="finance operations",
        fix="Look at the supplier's invoice, then correct `taxable` or the category of the expense in the PSA.",
        where="{link}",
        within=_DAY,
        cause=("category", "entity"),
    ),
    "usage.engagement_unknown": Kind(
        what="{source} sent {readings} of {meter} for {engagement}, which is no signed engagement that Tieout knows.",
        why="Nobody can be charged for it: {quantity} {unit} of {days} wait.",
        owner="finance operations",
        fix="Correct the engagement at the source and send the readings as their next version, or win the deal; they go on by themselves.",
        where="{link}",
        within=_DAY,
        cause=("source", "engagement"),
    ),
    "usage.meter_unknown": Kind(
        what="{source} sent {readings} of {meter} for {engagement}, whose contract of those days sells nothing by it.",
        why="Without a price it is not billed: {quantity} {unit} of {days} wait.",
        owner="finance operations",
        fix="Correct the meter at the source and send the readings as their next version, or sell a usage package by a change order.",
        where="{link}",
        within=_DAY,
        cause=("source", "engagement", "meter"),
    ),
    "usage.package_unclear": Kind(
        what="{source} sent {readings} of {meter} for {engagement}, where several packages have this meter.",
        why="Each has its own price: {quantity} {unit} of {days} wait.",
        owner="finance operations",
        fix="Say the package with each reading (package: DATA-2) and send them as their next version.",
        where="{link}",
        within=_DAY,
        cause=("source", "engagement", "meter"),
    ),
    "usage.unit_differs": Kind(
        what="{source} counts {meter} of {engagement} in {unit}, and the contract sells it by {agreed}.",
        why="Tieout never converts a quantity: {readings} of {days} with {quantity} {unit} wait, and with them their months.",
        owner="finance operations",
        fix="Send the readings in {agreed} as their next version, or agree the unit by a change order.",
        where="{link}",
        within=_DAY,
        cause=("source", "engagement", "meter", "unit"),
    ),
    "usage.outside_term": Kind(
        what="{source} sent {readings} of {meter} for {engagement} on {days}, when the contract does not sell it.",
        why="It was used before it was sold or after it ended: {quantity} {unit} wait, and with them their months.",
        owner="finance operations",
        fix="Correct the day at the source and send the readings as their next version (quantity 0 takes one back), or extend the sale.",
        where="{link}",
        within=_DAY,
        cause=("source", "engagement", "meter"),
    ),
    "milestone.missing": Kind(
        what="The contract of “{deal}” bills with “{milestone}”, which {project} does not have in the PSA; it has “{others}”.",
        why="Nobody can complete it there, so its {amount} would never become due.",
        owner="the project manager",
        fix="Give the milestone in the PSA the name that it has in the contract, or plan it.",
        where="{link}",
        within=_DAY,
        cause=("milestone", "project"),
    ),
    "milestone.doubled": Kind(
        what="{project} has {count} milestones called “{milestone}” in the PSA.",
        why="Tieout goes by the first of them; {amount} may become due with the wrong one.",
        owner="the project manager",
        fix="Rename or delete the others in the PSA.",
        where="{link}",
        within=_DAY,
        cause=("milestone", "project"),
    ),
    "billing.po_missing": Kind(
        what="The customer of “{deal}” demands a purchase order number, and there is none.",
        why="An invoice without it is not paid; {amount} waits.",
        owner="sales operations",
        fix="Fill the PO number on the opportunity in the CRM.",
        where="{link}",
        within=_DAY,
    ),
    "billing.negative": Kind(
        what="The corrections of {project} are larger than its new work: the next invoice would be {amount}.",
        why="A negative invoice is a credit note, which finance decides.",
        owner="finance operations",
        fix="Say whether it is netted on the next invoice, or drafted as a credit note, to which somebody else of finance agrees.",
        where="{link}",
        within=timedelta(days=3),
    ),
    "change.invalid": Kind(
        what="The change order {order} of “{deal}” is approved and cannot be applied: {reason}.",
        why="The contract stays as it was in every system; work that the change would cover is at risk.",
        owner="sales operations",
        fix="Withdraw it and raise a correct one in the CRM, or put right what it refers to; then it continues.",
        where="{link}",
        within=_DAY,
    ),
    "change.below_done": Kind(
        what="{order} of “{deal}” would leave {label} with {after}; {done} is done already.",
        why="A contract that is smaller than what was worked or billed under it has to be credited or written off, which is "
        "nothing that follows by itself.",
        owner="finance operations and the delivery lead",
        fix="Credit what is billed or write off what is worked, then let it begin again; or withdraw the order in the CRM.",
        where="{link}",
        within=_DAY,
    ),
    "change.revenue": Kind(
        what="Version {version} of the contract “{deal}” moves it from {before} to {after}: {facts}.",
        why="Whether that is a separate contract, changes only what is to come, or catches up on what was recognised follows "
        "from these facts. Finance judges them; Tieout never decides revenue.",
        owner="finance operations",
        fix="Decide the treatment, book it in the ERP, and answer here that it is done.",
        where="{link}",
        within=timedelta(days=5),
    ),
    "contract.version_differs": Kind(
        what="{system} shows version {shown} of the contract “{deal}”; version {version} is agreed.",
        why="People in {system} work by terms that are no longer those of the contract.",
        owner="the owner of {system}",
        fix="End what keeps the change order {order} from being carried there; it continues by itself.",
        where="{link}",
        within=_HOURS_4,
    ),
    "billing.credited": Kind(
        what="Finance credited {amount} of invoice {invoice} by {credit}: {hours} hours are open again.",
        why="Until somebody says what becomes of them they are neither billed nor given up.",
        owner="finance operations",
        fix="Say whether they are billed again with the next invoice, or written off.",
        where="{link}",
        within=timedelta(days=3),
    ),
    "credit.unmatched": Kind(
        what="Credit note {credit} takes back what invoice {invoice} does not have: {lines}.",
        why="{amount} is credited in the ERP, and no work here is open again for it.",
        owner="finance operations",
        fix="Correct the credit note in the ERP so that its lines have the texts and prices of the invoice's, or cancel it there.",
        where="{link}",
        within=_DAY,
    ),
    "billing.over_cap": Kind(
        what="{hours} hours on {project}, worth {amount}, are above its limit of {cap}.",
        why="The contract does not let them be billed; they wait, and more work makes it more.",
        owner="the project manager",
        fix="Agree a higher limit with the customer (a change order), or have finance write the hours off.",
        where="{link}",
        within=timedelta(days=3),
    ),
    "billing.cap_currency": Kind(
        what="“{deal}” is in {currency}, and the limit of {span} is {cap}.",
        why="Nothing is converted, and without a limit in its currency more could be billed than was agreed.",
        owner="finance operations",
        fix="Add a limit in {currency} to the caps of the firm folder, or correct this one, and apply it: then it continues.",
        where="{link}",
        within=_DAY,
        cause=("span", "currency"),
    ),
    "billing.cap_near": Kind(
        what="{share} of the limit of {cap} on {project} is billed.",
        why="Work above it is not billed, and the customer may have to be told before it is reached.",
        owner="the project manager",
        fix="Tell the customer, and agree a higher limit (a change order) while there is time.",
        where="{link}",
        within=timedelta(days=7),
    ),
    "billing.payer_unknown": Kind(
        what="{payer} pays a share of “{deal}”, and {system} has no such customer.",
        why="The shares of all payers are billed together, so the invoices wait.",
        owner="finance operations",
        fix="Correct the key under payers in the folder. Customers come into the ERP with a deal that they buy, pay or are the parent of.",
        where="{link}",
        within=_DAY,
        cause=("payer", "system"),
    ),
    "billing.product_missing": Kind(
        what="{amount} of {package} is due, and the firm folder does not say what the ERP sells it as.",
        why="It has no role whose product it could be booked on, so the invoice waits.",
        owner="finance operations",
        fix="Name the ERP's product in the package (product) or in the table expense_product, apply the firm folder, then replay.",
        where="{link}",
        within=_DAY,
        cause=("package",),
    ),
    "billing.to_write_off": Kind(
        what="{hours} hours on {project}, worth {amount}, are above its limit of {cap} and are to be written off.",
        why="The contract says that work above the limit is not billed.",
        owner="finance operations",
        fix="Write the hours off, or agree a higher limit with the customer (a change order).",
        where="{link}",
        within=timedelta(days=7),
    ),
    "invoice.totals_differ": Kind(
        what="The ERP computed {erp} for invoice {invoice}; Tieout expected {expected}.",
        why="Somebody would be billed an amount that the evidence does not support.",
        owner="finance operations",
        fix="Compare the lines with the evidence, then correct the draft in the ERP or the rate card.",
        where="{link}",
        within=_HOURS_4,
    ),
    "invoice.tax_differs": Kind(
        what="The ERP charges {erp} on invoice {invoice}; the value table expects {expected}.",
        why="A wrong tax is owed to the state whoever made the mistake.",
        owner="finance operations",
        fix="Correct the customer's tax rule in the ERP and the draft, or the value table tax_class.",
        where="{link}",
        within=_HOURS_4,
    ),
    "invoice.incomplete": Kind(
        what="The draft {invoice} leaves “{deal}” ({engagement}) out, whose billing waits for a person.",
        why="Once finance has posted it, the customer gets what is missing on a second invoice.",
        owner="finance operations",
        fix="End what {engagement} waits for before you post: then the draft is made anew, with it. Or post it as it is.",
        where="{link}",
        within=_DAY,
    ),
    "invoice.vanished": Kind(
        what="Invoice {invoice} was proposed in the ERP and is no longer there.",
        why="Its {amount} of approved work is neither billed nor open.",
        owner="finance operations",
        fix="Tell Tieout in the console whether to propose it again or to release the work.",
        where="{link}",
        within=_HOURS_4,
    ),
    "target.refused": Kind(
        what="{system} refused to {action} {subject}.",
        why="What comes after it waits: {amount}.",
        owner="the owner of {system}",
        fix="Read the system's own words below; correct the record at its source, then replay.",
        where="{link}",
        within=_DAY,
    ),
    "target.unknown": Kind(
        what="We do not know whether {system} did {action} {subject}, and it cannot be asked.",
        why="Doing it again could do it twice.",
        owner="the owner of {system}",
        fix="Look in {system}, then say in the console whether it is there. Do not create it by hand.",
        where="{link}",
        within=_HOURS_4,
        cause=("action", "link", "subject", "system"),
    ),
    "target.doubled": Kind(
        what="{system} has {subject} twice: {first} and {second}.",
        why="A request that was believed lost arrived late; the second record must not be used.",
        owner="the owner of {system}",
        fix="Close or archive {second} in {system}; Tieout goes on with {first}.",
        where="{link}",
        within=_HOURS_4,
    ),
    "connection.misconfigured": Kind(
        what="{system} does not let Tieout in: {reason}.",
        why="Nothing reaches or leaves {system} until this is put right; nothing is lost meanwhile.",
        owner="the integration engineer",
        fix="Correct the credentials or rights of the connection, then resume it.",
        where="/systems/{system}",
        within=_HOURS_4,
        cause=("system",),
    ),
    "plan.moved": Kind(
        what="After {plan} was confirmed, Tieout would {action} {subject} in {system}, and the plan did not show that.",
        why="What a person confirmed is what happens, and nothing else; the document waits.",
        owner="whoever confirmed the plan",
        fix="Make a new plan and read what has changed, then confirm that one.",
        where="{link}",
        within=_HOURS_4,
    ),
    "run.failed": Kind(
        what="Tieout could not work on {subject}: {reason}.",
        why="This is a fault of Tieout, not of your data; {subject} waits, everything else goes on.",
        owner="the integration engineer",
        fix="Send the technical details to whoever runs Tieout; replay after the correction.",
        where="{link}",
        within=_HOURS_4,
    ),
    "run.poison": Kind(
        what="Tieout itself stopped while it worked on {subject}, again and again: {reason}.",
        why="It is not begun again, so that it cannot stop the work on everything else; nothing is lost, {subject} waits.",
        owner="the integration engineer",
        fix="Find out from the log of the workers how they ended (memory, a crash, standing still); replay after the correction.",
        where="{link}",
        within=_HOURS_4,
    ),
    "run.hung": Kind(
        what="Tieout did not come to an end with {subject}: {reason}.",
        why="It was cut off, so that it does not keep the place of others; what it had done is kept, {subject} waits.",
        owner="the integration engineer",
        fix="See at which step it stood still and whether that system answers; replay when it does.",
        where="{link}",
        within=_HOURS_4,
    ),
}
