"""From the text of a query to its tree, by recursive descent; what it cannot read it refuses as the vendor does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from tieout.connectors.salesforce.emulator.failures import Refusal
from tieout.connectors.salesforce.emulator.soql.syntax import (
    All,
    AllFields,
    Comparison,
    Condition,
    Constant,
    DateLiteral,
    Either,
    Expression,
    Function,
    Item,
    Not,
    Order,
    Path,
    Query,
)
from tieout.connectors.salesforce.emulator.soql.tokens import Kind, Token, malformed, string_value, tokens
from tieout.connectors.salesforce.emulator.wire import read_date, read_instant

_T = TypeVar("_T")
_CLAUSES = frozenset(
    {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "USING", "WITH", "AND", "OR",
     "ASC", "DESC", "NULLS"}
)  # fmt: skip
_COMPARISONS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def parse(text: str) -> Query:
    """Raises Refusal (MALFORMED_QUERY) that points at the first word it did not expect, or could not go beyond."""
    reader = _Reader(text)
    try:
        query = reader.query()
    except (
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as wrong:  # a number beyond all bounds, parentheses without end
        raise reader.unexpected() from wrong
    reader.end()
    return query


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0

    # -- words

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._here
        self._next += token.kind != "end"
        return token

    def _word(self, *words: str) -> bool:
        if self._here.is_word(*words):
            self._next += 1
            return True
        return False

    def _symbol(self, text: str) -> bool:
        if self._here.kind == "symbol" and self._here.text == text:
            self._next += 1
            return True
        return False

    def _expect_word(self, word: str) -> None:
        if not self._word(word):
            raise self.unexpected()

    def _expect(self, symbol: str) -> None:
        if not self._symbol(symbol):
            raise self.unexpected()

    def _expect_kind(self, kind: Kind) -> Token:
        if self._here.kind != kind:
            raise self.unexpected()
        return self._take()

    def unexpected(self) -> Refusal:
        return malformed(self._text, self._here.at, f"unexpected token: '{self._here.text}'")

    def end(self) -> None:
        if self._here.kind != "end":
            raise self.unexpected()

    # -- the query

    def query(self) -> Query:
        self._expect_word("SELECT")
        items = self._list(self._item)
        self._expect_word("FROM")
        entity = self._expect_kind("word")
        alias = self._alias()
        if self._word("USING"):
            self._expect_word("SCOPE")
            self._expect_kind("word")
        where = self._condition() if self._word("WHERE") else None
        if self._word("WITH"):
            self._expect_kind("word")  # WITH SECURITY_ENFORCED: this org has no field-level security
        group_by = self._grouping()
        having = self._condition() if self._word("HAVING") else None
        order_by = self._ordering()
        limit = self._count() if self._word("LIMIT") else None
        offset = self._count() if self._word("OFFSET") else 0
        all_rows = self._ending()
        count_only = [each for each in items if isinstance(each, Item) and _counts_all(each.expression)]
        return Query(
            self._text, items, entity.text, alias, entity.at, where, group_by, having, order_by, limit, offset, all_rows,
            bool(count_only) and len(items) == 1,
        )  # fmt: skip

    def _list(self, read: Callable[[], _T]) -> tuple[_T, ...]:
        found = [read()]
        while self._symbol(","):
            found.append(read())
        return tuple(found)

    def _item(self) -> Item | AllFields | Query:
        if self._symbol("("):
            query = self.query()
            self._expect(")")
            return query
        token = self._here
        if token.is_word("FIELDS") and self._tokens[self._next + 1].text == "(":
            self._next += 2
            group = self._expect_kind("word").text.upper()
            self._expect(")")
            return AllFields(group, token.at)
        return Item(self._expression(), self._alias())

    def _alias(self) -> str | None:
        if self._here.kind == "word" and self._here.text.upper() not in _CLAUSES and "." not in self._here.text:
            return self._take().text
        return None

    def _expression(self) -> Expression:
        token = self._expect_kind("word")
        if not self._symbol("("):
            return Path(tuple(token.text.split(".")), token.at)
        argument = None
        if not self._symbol(")"):
            word = self._expect_kind("word")
            argument = Path(tuple(word.text.split(".")), word.at)
            self._expect(")")
        return Function(token.text.upper(), argument, token.at)

    def _grouping(self) -> tuple[Expression, ...]:
        if not self._word("GROUP"):
            return ()
        self._expect_word("BY")
        return self._list(self._expression)

    def _ordering(self) -> tuple[Order, ...]:
        if not self._word("ORDER"):
            return ()
        self._expect_word("BY")
        return self._list(self._order)

    def _order(self) -> Order:
        expression = self._expression()
        descending = self._word("DESC")
        if not descending:
            self._word("ASC")
        nulls_last = False
        if self._word("NULLS"):
            nulls_last = self._word("LAST")
            if not nulls_last:
                self._expect_word("FIRST")
        return Order(expression, descending, nulls_last)

    def _count(self) -> int:
        token = self._expect_kind("number")
        if not token.text.isdigit():
            raise malformed(self._text, token.at, f"unexpected token: '{token.text}'")
        return int(token.text)

    def _ending(self) -> bool:
        """FOR UPDATE, FOR VIEW, FOR REFERENCE change nothing here; ALL ROWS asks for the recycle bin too."""
        if self._word("FOR") and not self._word("UPDATE", "VIEW", "REFERENCE"):
            raise self.unexpected()
        if self._word("ALL"):
            self._expect_word("ROWS")
            return True
        return False

    # -- conditions

    def _condition(self) -> Condition:
        parts = [self._negation()]
        joined: str | None = None
        while self._here.is_word("AND", "OR"):
            word = self._take()
            if joined not in (None, word.text.upper()):
                # The vendor wants parentheses where AND and OR meet.
                raise malformed(self._text, word.at, f"unexpected token: '{word.text}'")
            joined = word.text.upper()
            parts.append(self._negation())
        if joined is None:
            return parts[0]
        return All(tuple(parts)) if joined == "AND" else Either(tuple(parts))

    def _negation(self) -> Condition:
        if self._word("NOT"):
            return Not(self._negation())
        if self._symbol("("):
            inside = self._condition()
            self._expect(")")
            return inside
        return self._comparison()

    def _comparison(self) -> Comparison:
        left = self._expression()
        token = self._take()
        if token.text in _COMPARISONS:
            return Comparison(left, _COMPARISONS[token.text], (self._value(),))
        if token.is_word("LIKE"):
            pattern = self._expect_kind("string")
            return Comparison(left, "LIKE", (Constant("string", string_value(pattern.text, pattern=True), pattern.at),))
        if token.is_word("INCLUDES", "EXCLUDES"):
            return Comparison(left, token.text.upper(), self._values())
        negated = token.is_word("NOT")
        if not (self._word("IN") if negated else token.is_word("IN")):
            raise malformed(self._text, token.at, f"unexpected token: '{token.text}'")
        operator = "NOT IN" if negated else "IN"
        if self._here.text == "(" and self._tokens[self._next + 1].is_word("SELECT"):
            self._take()
            subquery = self.query()
            self._expect(")")
            return Comparison(left, operator, (), subquery)
        return Comparison(left, operator, self._values())

    def _values(self) -> tuple[Constant, ...]:
        self._expect("(")
        values = self._list(self._value)
        self._expect(")")
        return values

    def _value(self) -> Constant:
        token = self._take()
        match token.kind:
            case "string":
                return Constant("string", string_value(token.text), token.at)
            case "number":
                return Constant("number", Decimal(token.text), token.at)
            case "moment":
                return self._moment(token)
            case "word":
                return self._named(token)
            case _:
                raise malformed(self._text, token.at, f"unexpected token: '{token.text}'")

    def _moment(self, token: Token) -> Constant:
        is_date = len(token.text) == 10
        value = read_date(token.text) if is_date else read_instant(token.text)
        if value is None:
            raise malformed(self._text, token.at, f"line 1:{token.at} invalid date literal '{token.text}'")
        return Constant("date" if is_date else "datetime", value, token.at)

    def _named(self, token: Token) -> Constant:
        name = token.text.upper()
        if name == "NULL":
            return Constant("null", None, token.at)
        if name in ("TRUE", "FALSE"):
            return Constant("boolean", name == "TRUE", token.at)
        count = self._count() if self._symbol(":") else 0
        return Constant("range", DateLiteral(name, count), token.at)


def _counts_all(expression: Expression) -> bool:
    return isinstance(expression, Function) and expression.name == "COUNT" and expression.argument is None
