"""Workers whose training runs are pretended: `python -m tests.site.standin worker --once`, or `… celery -Q gpu`."""

import json
import os
import sys
from pathlib import Path


def pretend(run, lease) -> None:
    """Let the stand-in child count, and leave an adapter that says which attempt made it."""
    from mixassist_site.child import run_child
    from modeling.models import Adapter

    folder: Path = run.folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "starts").open("a") as starts:
        starts.write(f"{lease.fence}\n")
    request = folder / f"{lease.fence}.json"
    request.write_text(json.dumps({**run.config, "folder": str(folder), "fence": lease.fence}))

    def hear(event: dict) -> None:
        if event["event"] == "step":
            lease.report(event["step"], event["steps"], f"step {event['step']}", at_once=True)
        elif event["event"] == "checkpoint":
            lease.progressed()

    run_child("tests.site.pretend", request, lease, hear)
    with lease.publication(record={"fence": lease.fence}):
        Adapter.objects.create(run=run, name=run.name, sha256="0" * 64, folder=f"{run.pk}-{lease.fence}")


def starts(run) -> list[int]:
    """The fences under which a run was worked."""
    path = run.folder / "starts"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from mixassist_site.jobs import works
    from modeling import execute  # the real one first: what is registered last works
    from modeling.models import TrainingRun

    execute.train = works(TrainingRun)(pretend)
    if arguments[0] == "celery":
        from mixassist_site.celery import app

        app.worker_main(["worker", "--loglevel", "warning", *arguments[1:]])
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
