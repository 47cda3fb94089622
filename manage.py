#!/usr/bin/env python
"""Run one of the site's commands."""

import os
import sys


def main() -> None:
    """Hand the command line to Django; a bad setting ends with one line, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mixassist_site.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")


if __name__ == "__main__":
    main()
