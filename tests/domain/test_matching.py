"""One company is one customer of the ledger; in doubt a person is asked."""

from __future__ import annotations

from tieout.domain.documents.customer import Customer, TaxId
from tieout.domain.matching import Known, match, plain, question

GLOBEX = Customer(key="CUS-1", name="Globex", tax_id=TaxId(type="eu_vat", code="DE 136-695 976"), source_id="001")
NAMELESS = Customer(key="CUS-2", name="Globex", source_id="002")
TWIN = Known("7", "OLD-7", "Globex Holding", "DE136695976")
NAMESAKE = Known("8", "OLD-8", "globex", "")
STRANGER = Known("9", "OLD-9", "Globex", "DE129273398")


def test_nobody_there_means_a_new_customer() -> None:
    assert match(GLOBEX, [], None, link="").create


def test_the_same_tax_id_is_the_same_company_whatever_its_name() -> None:
    assert match(GLOBEX, [TWIN], None, link="").record == "7"
    assert match(GLOBEX, [NAMESAKE, TWIN], None, link="").record == "7"


def test_a_namesake_without_a_tax_id_is_the_same_company() -> None:
    assert match(GLOBEX, [NAMESAKE], None, link="").record == "8"
    assert match(NAMELESS, [STRANGER], None, link="").record == "9"


def test_a_namesake_with_another_tax_id_is_a_question() -> None:
    problem = match(GLOBEX, [STRANGER], None, link="/deal").problem
    assert problem is not None
    assert problem.code == "customer.possible_duplicate"
    assert "Globex (OLD-9, tax id DE129273398)" in problem.facts["candidates"]
    assert question(GLOBEX) == f"customer.possible_duplicate:{problem.facts['about']}"


def test_two_customers_with_one_tax_id_are_a_question() -> None:
    other = Known("10", "", "Globex Two", "DE136695976")
    assert match(GLOBEX, [TWIN, other], None, link="").problem is not None


def test_a_person_decides_the_doubt() -> None:
    assert match(GLOBEX, [STRANGER], "same:9", link="").record == "9"
    assert match(GLOBEX, [STRANGER], "other", link="").create


def test_decoration_does_not_make_another_tax_id() -> None:
    assert plain("de 136.695-976") == "DE136695976"
