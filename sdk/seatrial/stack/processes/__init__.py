"""Starting, supervising and stopping processes."""
