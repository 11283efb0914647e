"""The equity of all accounts of an environment in one currency; other currencies are converted at their last rate."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal, localcontext
from zoneinfo import ZoneInfo

from seatrial_core.decimals import EXACT
from seatrial_core.figures.equity import ZERO, EquityChange, EquityState

ONE = Decimal(1)
_INVERSE = Context(prec=34)


@dataclass(frozen=True)
class Rate:
    """The price of one unit of `currency` in the currency of the portfolio, from an instant on."""

    currency: str
    at: datetime
    value: Decimal
    source: str = ""


@dataclass(frozen=True)
class CurrencyPair:
    """The price of one unit of `base` in `quote` at one instant."""

    base: str
    quote: str
    at: datetime
    rate: Decimal
    source: str = ""


@dataclass(frozen=True)
class PortfolioOptions:
    """How portfolios are summed.

    Args:
        currency: Their currency; empty for that of the accounts if they have one in common, else USD.
        zone: The IANA time zone in which their days begin.
    """

    currency: str = ""
    zone: str = "UTC"

    def currency_of(self, currencies: Collection[str]) -> str:
        """Return the currency of a portfolio of accounts with these currencies."""
        if self.currency:
            return self.currency
        return next(iter(currencies)) if len(currencies) == 1 else "USD"


@dataclass(frozen=True)
class PortfolioState:
    """The state of a portfolio after an instant.

    Args:
        converted: The state in the currency of the portfolio, without the accounts that have no rate yet.
        foreign: Equity by currency, in that currency, of the accounts in other currencies.
        rates: The last rate of each other currency.
    """

    converted: EquityState = field(default_factory=EquityState)
    foreign: Mapping[str, Decimal] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)

    @property
    def unconverted(self) -> Mapping[str, Decimal]:
        """Return the equity by currency that no rate converts."""
        return {currency: equity for currency, equity in self.foreign.items() if currency not in self.rates}


@dataclass(frozen=True)
class PortfolioInstant:
    """What the newest instant of a portfolio changes, which further reports of the same instant may still extend.

    Args:
        at: The instant.
        changes: Changes by currency, in that currency.
        rates: New rates by currency.
        since: When the first report of the instant was received; None until it is stored.
    """

    at: datetime
    changes: Mapping[str, EquityChange] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def reported(self) -> int:
        """Return how many accounts have been marked to market at the instant."""
        return sum(change.reported for change in self.changes.values())


@dataclass(frozen=True)
class PortfolioCurve:
    """The curve of a portfolio: the state before its newest instant, and that instant."""

    currency: str = "USD"
    zone: str = "UTC"
    before: PortfolioState = field(default_factory=PortfolioState)
    pending: PortfolioInstant | None = None

    @property
    def pending_at(self) -> datetime | None:
        """Return the newest instant."""
        return None if self.pending is None else self.pending.at

    @property
    def now(self) -> PortfolioState:
        """Return the state with the reports of the newest instant so far."""
        return self.before if self.pending is None else self._after(self.pending)

    @property
    def begun(self) -> bool:
        """Return whether any account has joined."""
        return self.now.converted.session_day is not None

    @property
    def complete(self) -> bool:
        """Return whether every account that is marked to market has reported at the newest instant."""
        pending = self.pending
        return pending is None or not pending.reported or pending.reported >= self.now.converted.members

    def add(self, change: EquityChange, currency: str) -> "PortfolioCurve":
        """Return the curve with one more change, which must not be older than the newest instant.

        Args:
            change: The change, in `currency`.
            currency: The currency of the account.
        """
        curve, instant = self._at(change.at)
        earlier = instant.changes.get(currency)
        changes = {**instant.changes, currency: change if earlier is None else earlier.plus(change)}
        return replace(curve, pending=replace(instant, changes=changes))

    def add_rate(self, rate: Rate) -> "PortfolioCurve":
        """Return the curve with one more rate, which must not be older than the newest instant."""
        if rate.currency == self.currency:
            return self
        curve, instant = self._at(rate.at)
        return replace(curve, pending=replace(instant, rates={**instant.rates, rate.currency: rate}))

    def knowing(self, rates: Iterable[Rate]) -> "PortfolioCurve":
        """Return the curve with earlier rates of currencies in which no account has been valued yet."""
        earlier = {rate.currency: rate for rate in sorted(rates, key=lambda rate: rate.at)}
        return replace(self, before=replace(self.before, rates={**earlier, **self.before.rates}))

    @property
    def priced(self) -> frozenset[str]:
        """Return the currencies with a rate, and that of the portfolio."""
        return frozenset(self.now.rates) | {self.currency}

    def rewound(self, state: PortfolioState) -> "PortfolioCurve":
        """Return the curve as it was with `state`."""
        return replace(self, before=state, pending=None)

    def with_receipt(self, earlier: "PortfolioCurve", now: datetime) -> "PortfolioCurve":
        """Return the curve with the receipt of its newest instant.

        Args:
            earlier: The curve as it was stored; its newest instant keeps its receipt.
            now: The receipt of a later instant.
        """
        if self.pending is None:
            return self
        stored = earlier.pending
        since = stored.since if stored is not None and stored.at >= self.pending.at else None
        return replace(self, pending=replace(self.pending, since=since or now))

    def _at(self, at: datetime) -> tuple["PortfolioCurve", PortfolioInstant]:
        pending = self.pending
        if pending is None or at > pending.at:
            return replace(self, before=self.now, pending=None), PortfolioInstant(at)
        assert at == pending.at, "entries are sorted by time before they are added"
        return self, pending

    def _after(self, instant: PortfolioInstant) -> PortfolioState:
        foreign = dict(self.before.foreign)
        rates = {**self.before.rates, **instant.rates}
        total = EquityChange(instant.at)
        with localcontext(EXACT):
            for currency, rate in instant.rates.items():
                total = total.plus(_revalue(instant.at, foreign.get(currency, ZERO), self.before.rates, rate))
            for currency, change in instant.changes.items():
                price: Decimal | None = ONE
                if currency != self.currency:
                    foreign[currency] = foreign.get(currency, ZERO) + change.flow + change.profit
                    price = rates[currency].value if currency in rates else None
                total = total.plus(_convert(change, price))
            converted = self.before.converted
            if total != EquityChange(instant.at) or converted.session_day is not None:
                converted = converted.apply(total, ZoneInfo(self.zone))
        return PortfolioState(converted, foreign, rates)


def rate_of(pair: CurrencyPair, currency: str) -> Rate | None:
    """Return the rate that a price gives into a currency, or None if neither side is that currency."""
    if pair.quote == currency:
        return Rate(pair.base, pair.at, pair.rate, pair.source)
    if pair.base == currency:
        return Rate(pair.quote, pair.at, _INVERSE.divide(ONE, pair.rate), pair.source)
    return None


def _convert(change: EquityChange, price: Decimal | None) -> EquityChange:
    # Without a rate an account is counted and not valued; its capital joins with the first rate.
    if price is None:
        return replace(change, flow=ZERO, profit=ZERO)
    return replace(change, flow=change.flow * price, profit=change.profit * price)


def _revalue(at: datetime, equity: Decimal, earlier: Mapping[str, Rate], rate: Rate) -> EquityChange:
    previous = earlier.get(rate.currency)
    if previous is None:
        return EquityChange(at, flow=equity * rate.value)
    return EquityChange(at, profit=equity * (rate.value - previous.value))
