"""All SQL of the alerts service, one file a subject; who calls owns the transaction."""
