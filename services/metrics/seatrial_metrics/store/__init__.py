"""All SQL of the metrics service, one module for each thing that is stored."""
