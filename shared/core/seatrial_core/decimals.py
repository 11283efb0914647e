"""The decimal context for exact arithmetic on money."""

from decimal import Context

# Quantities and prices of up to 20 + 18 digits multiply without rounding, so that cash adds up to the last digit
# and a sum does not depend on its order.
EXACT = Context(prec=80)
