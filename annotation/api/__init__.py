"""What the pages do, for scripts."""
