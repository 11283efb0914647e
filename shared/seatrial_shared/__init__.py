"""The ground floor: contracts, formulas, fill rules and plumbing; it imports nothing else of ours."""
