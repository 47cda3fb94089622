"""What the commands share: things by id or name, values of options, and waiting for a job in this process."""

import json
import signal
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from django.core.management.base import CommandError
from django.db.models import Model, QuerySet

from mixassist_site.jobs import SHUTDOWN, Job, State

M = TypeVar("M", bound=Model)
J = TypeVar("J", bound=Job)


def found(rows: "QuerySet[M]", words: str, noun: str) -> M:
    """The one row with this id or this name."""
    if "\x00" in words:
        raise CommandError(f"There is no {noun} of this name.")
    if words.isdecimal() and len(words) < 19 and (row := rows.filter(pk=int(words)).first()):
        return row
    named = list(rows.filter(name=words)[:2])
    if not named:
        raise CommandError(f"There is no {noun} {words}.")
    if len(named) > 1:
        raise CommandError(f"More than one {noun} is called {words}; give its id, such as {named[0].pk}.")
    return named[0]


def options_of(config: str | None, pairs: list[str]) -> dict[str, Any]:
    """The options of a JSON or TOML file, and those given one by one over them."""
    options: dict[str, Any] = {}
    if config:
        path = Path(config)
        try:
            text = path.read_text()
            options = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        except (OSError, ValueError) as error:
            raise CommandError(f"The file {config} can't be read: {error}") from None
        if not isinstance(options, dict):
            raise CommandError(f"The file {config} holds no options: it should be one object of name and value.")
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"Write --set name=value, not {pair}.")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options


def wait_for(job: J, execute: Callable[[J], bool]) -> J:
    """Work a job in this process until it is over, or watch the worker that was quicker."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not SHUTDOWN.is_set():
            execute(job)
            job.refresh_from_db()
            if job.is_over:
                break
            time.sleep(0.2)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if not job.is_over:
        raise CommandError(f"Stopped; {job.kind} {job.pk} waits in the queue and goes on from its last checkpoint.")
    if job.state != State.SUCCEEDED:
        raise CommandError(job.error_message or f"The {job.kind} {job.pk} was {job.state}.")
    return job


def _stop(signum: int, frame: FrameType | None) -> None:
    SHUTDOWN.set()
