"""The whole flow on the bundled session, with the site serving it or without."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from evaluation.judging.endpoints import MARK
from mixassist_site import demo
from mixassist_site.jobs import JobError

READY_SECONDS = 30
JUDGES_BESIDE = 100  # the scripted judges' port above the site's: what is queued finds them after a new start


class Command(BaseCommand):
    """`demo [--headless] [--workdir DIR] [--port 8000] [--json]`"""

    help = "Run the whole flow once on the bundled session; without --headless, serve the site with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where, and whether with a browser."""
        parser.add_argument("--headless", action="store_true", help="run the flow and end; no web process")
        parser.add_argument("--workdir", type=Path, help="keep everything here: the same as MIXASSIST_HOME=DIR")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, then serve until Ctrl-C."""
        workdir = options["workdir"]
        if workdir is not None and workdir.expanduser().resolve() != Path(settings.MIXASSIST_HOME):
            # settings are read at the start of a process, so start again with the other home
            os.environ["MIXASSIST_HOME"] = str(workdir.expanduser().resolve())
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606
        if not options["headless"] and not free(options["port"]):
            raise CommandError(f"Port {options['port']} is in use; choose another: make demo PORT=8001")
        began = time.monotonic()

        def say(step: str) -> None:
            self.stderr.write(f"[{time.monotonic() - began:5.1f} s] {step}")

        with demo.scripted_judges(0 if options["headless"] else options["port"] + JUDGES_BESIDE) as judges:
            try:
                made = demo.run_demo(say)
                told = demo.told(made)
            except (demo.DemoError, JobError) as error:
                raise CommandError(str(error)) from error
            say("Done")
            if not options["headless"]:
                self._serve(made, options["port"], judges)
        if options["json"]:
            self.stdout.write(json.dumps(told))

    def _serve(self, made: demo.Demo, port: int, judges: dict[str, Any]) -> None:
        """Run web and worker, which know the scripted judges, until one of them ends or somebody presses Ctrl-C."""
        web = [sys.executable, "-m", "gunicorn", "mixassist_site.wsgi", "--bind", f"127.0.0.1:{port}"]
        web += ["--workers", "1", "--threads", "8", "--log-level", "warning"]
        worker = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        env = {**os.environ, "STATIC_COLLECTED": "1", "JUDGE_ENDPOINTS": json.dumps(judges)}
        collect = [sys.executable, str(settings.BASE_DIR / "manage.py"), "collectstatic", "--noinput", "-v0"]
        subprocess.run(collect, cwd=settings.BASE_DIR, env=env, check=True)
        children = [subprocess.Popen(command, cwd=settings.BASE_DIR, env=env) for command in (web, worker)]
        try:
            self._welcome(made, port, children)
            while all(child.poll() is None for child in children):
                time.sleep(0.5)
            raise CommandError("The web process or the worker ended; its last lines above say why.")
        except KeyboardInterrupt:
            self.stdout.write("\nStopped. `make demo` starts it again with the same data.")
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(timeout=150)

    def _welcome(self, made: demo.Demo, port: int, children: list[subprocess.Popen[bytes]]) -> None:
        site = f"http://127.0.0.1:{port}"
        answering(port, children)
        logins = demo.passwords()
        ana = made.session.layers.filter(owner__username="ana").get()
        rater = made.study.raters.filter(is_simulated=False).order_by("number").first()
        lines = [
            "",
            f"MixAssist is at {site}/",
            "",
            "Logins (made for this copy alone, on this machine alone):",
            *(f"  {name:5} {logins[name]}   {demo.PEOPLE[name].label.lower()}" for name in logins),
            "",
            "Four things to try:",
            f"  1. As ana, cut and pair on the workbench:   {site}{ana.get_absolute_url()}",
            f"  2. As a rater, compare two answers blind:   {site}{rater.get_absolute_url() if rater else '/'}",
            f"  3. As ada, read what the raters said:       {site}{reverse('study-report', args=[made.study.pk])}",
            f"  4. As ada, see what three judges say:       {site}{reverse('study-judge-panel', args=[made.study.pk])}",
            f"     (each is a {MARK})",
            "",
            "Ctrl-C stops it; everything stays in " + str(settings.MIXASSIST_HOME),
        ]
        self.stdout.write("\n".join(lines))


def free(port: int) -> bool:
    """Whether nobody listens on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def answering(port: int, children: list[subprocess.Popen[bytes]]) -> None:
    """Wait until the site answers."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and all(child.poll() is None for child in children):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise CommandError("The site did not start; the lines above say why.")
