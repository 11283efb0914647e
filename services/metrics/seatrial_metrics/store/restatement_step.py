"""Computes one part of a restatement in one transaction; only the last part touches the present."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.figures.equity import EquityState
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityEntry, advance
from seatrial_metrics.portfolio import PortfolioCurve, PortfolioOptions
from seatrial_metrics.store import entries, equity, rates, restatements
from seatrial_metrics.store.restatements import RestatementRequest

STEP_ENTRIES = 250


@dataclass(frozen=True)
class Part:
    """The entries of one step; `end` is the instant at which the next step starts, None after the last entry."""

    start: datetime
    end: datetime | None
    entries: Sequence[EquityEntry]


async def step(session: AsyncSession, environment: str, options: PortfolioOptions, now: datetime) -> bool:
    """Compute the next part of a restatement; return whether more remains to be done now.

    The last part locks the head of the ledger first, as every commit of events does, so that the two cannot deadlock.

    Args:
        session: The transaction; the caller commits it.
        environment: The environment to restate.
        options: The currency and the time zone of portfolios.
        now: The instant of writing.
    """
    is_last = await _is_last(session, environment)
    if is_last:
        await entries.lock_head(session)
    books = await equity.read_all(session, environment, for_update=is_last)
    request = await restatements.lock(session, environment)
    if request is None:
        return False
    following = request.next_start_at
    start = request.cursor_at
    if start is None:
        start, following = following, None
    currency = options.currency_of(_currencies(books))
    if start is not None and await restatements.currency_before(session, environment, start) not in (None, currency):
        start = await restatements.first_entry_at(session, environment)
    if start is None:
        await restatements.move(session, RestatementRequest(environment, None, None))
        return False
    part = await _part(session, environment, start)
    if part.end is None and not is_last:
        return True  # the entries after it came since the look ahead; the next step takes the locks of the last one
    computed = await _compute(session, environment, books, PortfolioCurve(currency, options.zone), part)
    if part.end is None:
        portfolio = computed.portfolio.with_receipt(books.portfolio, now)
        await equity.save_books(session, environment, replace(computed, portfolio=portfolio), now)
    await restatements.move(session, RestatementRequest(environment, part.end, following))
    return part.end is not None or following is not None


async def _is_last(session: AsyncSession, environment: str) -> bool:
    request = await restatements.peek(session, environment)
    start = None if request is None else request.cursor_at or request.next_start_at
    return start is not None and (await _part(session, environment, start)).end is None


async def _part(session: AsyncSession, environment: str, start: datetime) -> Part:
    stored = await restatements.entries_since(session, environment, start, STEP_ENTRIES + 1)
    if len(stored) <= STEP_ENTRIES:
        return Part(start, None, stored)
    end = stored[-1].at
    whole = [entry for entry in stored if entry.at < end]
    if whole:
        return Part(start, end, whole)
    # More accounts report at one instant than a step has entries: an instant is never divided.
    following = await restatements.next_entry_at(session, environment, end)
    instant = await restatements.entries_since(session, environment, start, None, following)
    return Part(start, following, instant)


async def _compute(
    session: AsyncSession, environment: str, books: EquityBooks, portfolio: PortfolioCurve, part: Part
) -> EquityBooks:
    start, currency = part.start, portfolio.currency
    states = await restatements.states_before(session, environment, dict.fromkeys(books.accounts, start))
    earlier = await _states_before_newest(session, environment, books, start)
    accounts = {
        name: _at_start(account, states, earlier, start, is_last=part.end is None)
        for name, account in books.accounts.items()
    }
    currencies = _currencies(books)
    before = await restatements.priced_portfolio(session, environment, portfolio, currencies, start)
    fx_rates = await rates.between(session, environment, currency, currencies, start, part.end)
    rewound = EquityBooks(accounts, replace(portfolio, before=before))
    computed, history = advance(rewound, part.entries, fx_rates)
    await equity.save_states(session, environment, history, currency)
    return computed


def _currencies(books: EquityBooks) -> frozenset[str]:
    accounts = books.accounts.values()
    return frozenset(account.currency for account in accounts if account.begun or account.opened_at is not None)


async def _states_before_newest(
    session: AsyncSession, environment: str, books: EquityBooks, start: datetime
) -> Mapping[str, EquityState]:
    instants = {
        name: account.pending.at
        for name, account in books.accounts.items()
        if account.pending is not None and account.pending.at < start
    }
    return await restatements.states_before(session, environment, instants)


def _at_start(
    account: AccountEquity,
    states: Mapping[str, EquityState],
    earlier: Mapping[str, EquityState],
    start: datetime,
    *,
    is_last: bool,
) -> AccountEquity:
    state = states.get(account.name, EquityState())
    if is_last and account.pending is not None and account.pending.at < start:
        # Its newest entry was computed again by an earlier step.
        return replace(account, before=earlier.get(account.name, EquityState()), now=state)
    return account.rewound(state, start)
