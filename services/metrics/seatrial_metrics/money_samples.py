"""The money of the ledger's page: the guide's figures of one environment, and those of every account and portfolio."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from seatrial_core import catalog
from seatrial_core.contracts.events import Environment
from seatrial_core.label_budget import OTHER
from seatrial_metrics.cardinality import Labels
from seatrial_metrics.figures import AccountFigures, Figures
from seatrial_metrics.scopes import FigureScope, account_scope, portfolio_scope
from seatrial_metrics.snapshots import describe

PERCENT = 100.0
# The guide's figures: their names in snapshots, and what one unit is there.
GUIDE_FIGURES: Mapping[catalog.Metric, tuple[str, float]] = {
    catalog.CURRENT_PNL: ("pnl", 1.0),
    catalog.OPEN_POSITIONS: ("open_positions", 1.0),
    catalog.WIN_RATE: ("win_rate_ratio", PERCENT),
    catalog.PORTFOLIO_RISK: ("risk_ratio", PERCENT),
    catalog.MAX_DRAWDOWN: ("max_drawdown_ratio", PERCENT),
    catalog.DAILY_PNL: ("session_pnl", 1.0),
}

Samples = dict[str, dict[Labels, float]]


def money_samples(figures: Figures, headline: str | None, fx_max_age: timedelta, label_budget: int) -> Samples:
    """Return the samples by family and label set; an unknown figure has none.

    Args:
        figures: The state of the ledger.
        headline: The environment of the guide's figures, or None if that is not decided.
        fx_max_age: The age of an exchange rate above which no figure uses it.
        label_budget: How many accounts an environment may show; the others are summed as `__other__`.
    """
    samples: Samples = defaultdict(dict)
    for environment in figures.environments:
        if environment == Environment.STRESS:
            continue
        scope = portfolio_scope(figures, environment, fx_max_age)
        _add_portfolio(samples, environment, scope)
        if environment == headline:
            _add_guide(samples, scope)
        accounts = [account for account in figures.accounts if account.environment == environment]
        _add_accounts(samples, figures, accounts, label_budget)
        restating = figures.portfolios[environment].restating_since if environment in figures.portfolios else None
        samples[catalog.RESTATEMENT_RUNNING.name][(environment,)] = float(restating is not None)
    return samples


def overflowing_accounts(figures: Figures, label_budget: int) -> int:
    """Return how many accounts are summed as `__other__`."""
    counts: dict[str, int] = defaultdict(int)
    for account in figures.accounts:
        if account.environment != Environment.STRESS:
            counts[account.environment] += 1
    return sum(max(0, count - label_budget) for count in counts.values())


def _add_guide(samples: Samples, scope: FigureScope) -> None:
    values = describe(scope)
    for metric, (name, unit) in GUIDE_FIGURES.items():
        value = values[name].value
        if value is not None:
            samples[metric.name][()] = value * unit


def _add_portfolio(samples: Samples, environment: str, scope: FigureScope) -> None:
    values = describe(scope)
    for figure in catalog.MONEY_FIGURES:
        value = values[figure.name].value
        if value is not None:
            samples[figure.portfolio.name][environment, scope.currency] = value
    for currency, equity in scope.unconverted.items():
        samples[catalog.UNCONVERTED_EQUITY.name][environment, currency] = float(equity)


def _add_accounts(samples: Samples, figures: Figures, accounts: Sequence[AccountFigures], label_budget: int) -> None:
    recent = sorted(accounts, key=lambda account: account.last_occurred_at or account.updated_at, reverse=True)
    for account in recent[:label_budget]:
        values = describe(account_scope(account, figures))
        labels = (account.environment, account.account.name, account.account.currency)
        for figure in catalog.MONEY_FIGURES:
            value = values[figure.name].value
            if value is not None:
                samples[figure.account.name][labels] = value
    _add_other_accounts(samples, figures, recent[label_budget:])


def _add_other_accounts(samples: Samples, figures: Figures, accounts: Sequence[AccountFigures]) -> None:
    # Only amounts can be summed, only in one currency, and only if every one of them is known.
    by_currency: dict[Labels, list[AccountFigures]] = defaultdict(list)
    for account in accounts:
        by_currency[account.environment, OTHER, account.account.currency].append(account)
    for labels, group in by_currency.items():
        described = [describe(account_scope(account, figures)) for account in group]
        for figure in catalog.MONEY_FIGURES:
            values = [value for values in described if (value := values[figure.name].value) is not None]
            if figure.is_additive and len(values) == len(group):
                samples[figure.account.name][labels] = sum(values)
