"""Index of each number in the arrays that the compiled account step works on, and the codes stored in them."""

from enum import IntEnum

# Configuration, float64[C_SIZE].
C_TAKER, C_MAKER, C_FIXED_FEE, C_SLIP_RATIO, C_SLIP_PRICE = 0, 1, 2, 3, 4
C_TICK, C_LOT, C_MIN_NOTIONAL, C_AUCTION, C_THROUGH = 5, 6, 7, 8, 9
C_INTRABAR, C_ALLOW_SHORT, C_SIZE_KIND, C_SIZE_VALUE = 10, 11, 12, 13
C_KELLY_CAP, C_KELLY_MINIMUM, C_KELLY_FALLBACK, C_SEED, C_BARS_PER_YEAR = 14, 15, 16, 17, 18
C_SIZE = 19

# Account and orders, float64[S_SIZE]; prices and distances are NaN when there are none.
S_CASH, S_QUANTITY, S_ENTRY_PRICE, S_ENTRY_FEE, S_ENTRY_INDEX = 0, 1, 2, 3, 4
S_STOP, S_TARGET, S_TRAIL, S_PEAK, S_AMBIGUOUS = 5, 6, 7, 8, 9
S_NEXT_SIDE, S_NEXT_EXIT, S_NEXT_STOP, S_NEXT_TARGET, S_NEXT_TRAIL, S_NEXT_BASE = 10, 11, 12, 13, 14, 15
S_INDEX, S_CLOSE, S_TRADES, S_AMBIGUOUS_BARS, S_AMBIGUOUS_TRADES, S_FEES = 16, 17, 18, 19, 20, 21
S_WINS, S_LOSSES, S_GAIN_RATIOS, S_LOSS_RATIOS, S_REJECTED, S_VOLATILITY = 22, 23, 24, 25, 26, 27
S_SLIPPAGE, S_INITIAL_STOP, S_DRAWS, S_REASON = 28, 29, 30, 31
# The pending entry order: its kind, prices, bars left, whether it is new, whether its stop was reached, decision bar.
S_NEXT_KIND, S_NEXT_LIMIT, S_NEXT_TRIGGER, S_NEXT_LEFT, S_NEXT_FRESH, S_NEXT_TRIGGERED = 32, 33, 34, 35, 36, 37
S_NEXT_INDEX, S_REASON_INDEX, S_VARIANCE, S_RETURNS = 38, 39, 40, 41
# The size of the pending entry order, a SizeKind and a number; NaN uses the sizing of the run.
S_NEXT_SIZE_KIND, S_NEXT_SIZE = 42, 43
# The least favourable price of the open position: since its entry, on this bar, on its entry bar. Prices are multiplied
# by the side, so that lower is worse. S_PEAK is the most favourable price since the entry.
S_TROUGH, S_BAR_TROUGH, S_ENTRY_TROUGH = 44, 45, 46
S_MAGNIFIED, S_UNMAGNIFIED = 47, 48
S_SIZE = 49

# One closed trade, float64[T_SIZE].
T_SIDE, T_ENTRY_INDEX, T_ENTRY_PRICE, T_EXIT_INDEX, T_EXIT_PRICE, T_QUANTITY = 0, 1, 2, 3, 4, 5
T_ENTRY_FEE, T_EXIT_FEE, T_REASON, T_AMBIGUOUS, T_GAP, T_SLIPPAGE, T_INITIAL_STOP = 6, 7, 8, 9, 10, 11, 12
# Maximum adverse and favourable excursion as ratios of the entry price; worst prices on the entry and the exit bar.
T_MAE, T_MFE, T_ENTRY_WORST, T_EXIT_WORST = 13, 14, 15, 16
T_SIZE = 17


class Exit(IntEnum):
    """Why a position was closed."""

    NONE = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2
    TRAILING = 3
    SIGNAL = 4
    END_OF_DATA = 5


class Rejection(IntEnum):
    """Why a decision led to no order, or an order to no position."""

    NONE = 0
    POSITION_OPEN = 1
    SHORT_NOT_ALLOWED = 2
    NO_SIZE = 3
    BELOW_MINIMUM_NOTIONAL = 4
    NO_CASH = 5
    BAD_STOP = 6
    NOTHING_TO_CLOSE = 7
    BAD_ORDER = 8
    EXPIRED = 9


class Intrabar(IntEnum):
    """Which price path is used on an ambiguous bar; SEED_BITS reads one bit of the seed for each such bar."""

    WORST = 0
    MAGNIFY = 0  # sub-bars, and bars without sub-bars, use the worst rule
    BEST = 1
    NEAREST = 2
    RANDOM = 3
    SEED_BITS = 4


class SizeKind(IntEnum):
    """What the sizing number means, in the order of quant.sizing.SizingKind."""

    FIXED = 0
    NOTIONAL = 1
    EQUITY = 2
    RISK = 3
    KELLY = 4
    VOL = 5


class OrderKind(IntEnum):
    """When an entry order fills."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3


class PriceBase(IntEnum):
    """What stop, target and trail of an entry are measured in."""

    FILL_RATIO = 0  # ratios of the fill price
    PRICE = 1  # prices; the trail is a distance
    PRICE_TRAIL_RATIO = 2  # prices; the trail is a ratio of the fill price


# The members as plain integers: numba cannot compare a float64 with a member of an IntEnum.
EXIT_NONE, EXIT_STOP_LOSS, EXIT_TAKE_PROFIT, EXIT_TRAILING, EXIT_SIGNAL, EXIT_END_OF_DATA = map(int, Exit)
(
    REJECT_NONE,
    REJECT_POSITION_OPEN,
    REJECT_SHORT_NOT_ALLOWED,
    REJECT_NO_SIZE,
    REJECT_BELOW_MINIMUM_NOTIONAL,
    REJECT_NO_CASH,
    REJECT_BAD_STOP,
    REJECT_NOTHING_TO_CLOSE,
    REJECT_BAD_ORDER,
    REJECT_EXPIRED,
) = map(int, Rejection)
INTRABAR_WORST, INTRABAR_BEST, INTRABAR_NEAREST, INTRABAR_RANDOM, INTRABAR_SEED_BITS = map(int, Intrabar)
SIZE_FIXED, SIZE_NOTIONAL, SIZE_EQUITY, SIZE_RISK, SIZE_KELLY, SIZE_VOL = map(int, SizeKind)
ORDER_MARKET, ORDER_LIMIT, ORDER_STOP, ORDER_STOP_LIMIT = map(int, OrderKind)
BASE_FILL_RATIO, BASE_PRICE, BASE_PRICE_TRAIL_RATIO = map(int, PriceBase)
