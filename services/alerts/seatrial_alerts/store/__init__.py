"""All SQL of the alerts service, one file per subject; the caller owns the transaction."""
