"""What stands behind the performance monitor: its options, the owner's figures, the page, the judge and the notices."""
