"""Turning a frozen snapshot into files that others load: one module per thing that a release holds."""
