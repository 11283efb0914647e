"""The budget of values that one metric label may have."""

from seatrial_core.label_budget import LABEL_BUDGET, OTHER, LabelBudget


def test_values_beyond_the_budget_are_other_and_earlier_ones_keep_their_name() -> None:
    budget = LabelBudget(2)

    assert [budget.limit("trades_total", "strategy", name) for name in ("b", "a", "c", "a", "b")] == [
        "b",
        "a",
        OTHER,
        "a",
        "b",
    ]


def test_each_family_and_label_has_its_own_budget() -> None:
    budget = LabelBudget(1)
    budget.limit("trades_total", "strategy", "a")

    assert budget.limit("trades_total", "endpoint", "b") == "b"
    assert budget.limit("trading_errors_total", "strategy", "b") == "b"


def test_labels_with_few_usual_values_have_a_smaller_budget() -> None:
    budget = LabelBudget()

    sides = {budget.limit("trades_total", "side", str(number)) for number in range(20)}
    strategies = {budget.limit("trades_total", "strategy", str(number)) for number in range(200)}

    assert len(sides - {OTHER}) == 8
    assert len(strategies - {OTHER}) == LABEL_BUDGET == 100
