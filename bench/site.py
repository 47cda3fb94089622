"""The site as it is served: upload to waveform, answers a second, edits, memory."""

import http.client
import json
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from pathlib import Path
from typing import Any

from bench.measure import ROOT, Figure, Recordings, environment, memory_mb, peak_mb

PASSWORD = "bench bench bench"


class Site:
    """Web and worker on a home of their own, as `make demo` starts them."""

    def __init__(self, home: Path) -> None:
        self.env = environment(home)
        self.port = free_port()
        home.mkdir(parents=True, exist_ok=True)
        self.env["STATIC_COLLECTED"] = "1"  # as `make demo` serves it
        self.manage("collectstatic", "--noinput", "-v0")
        self.manage("migrate", "-v0")
        self.manage("shell", "-v0", "-c", _PEOPLE)
        web = [sys.executable, "-m", "gunicorn", "mixassist_site.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        began = time.perf_counter()
        self.web = self._start([*web, "--workers", "1", "--threads", "8"])
        self.worker = self._start([sys.executable, "manage.py", "worker"])
        while self.get("/healthz", quiet=True) != 200:
            time.sleep(0.02)
        self.started_in = time.perf_counter() - began
        self.cookie = self.log_in("ada")

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def manage(self, *words: str) -> str:
        """Run a command of the site."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, check=True, capture_output=True
        )
        return done.stdout.decode()

    def close(self) -> None:
        """End both."""
        for process in (self.worker, self.web):
            process.send_signal(signal.SIGTERM)
        for process in (self.worker, self.web):
            process.wait(timeout=60)

    @property
    def web_pid(self) -> int:
        """The process that answers, below gunicorn's master."""
        children = Path(f"/proc/{self.web.pid}/task/{self.web.pid}/children").read_text().split()
        return int(children[0])

    def connect(self) -> http.client.HTTPConnection:
        """A kept-alive connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path: str, *, quiet: bool = False) -> int:
        """The status of one page."""
        try:
            connection = self.connect()
            connection.request("GET", path, headers={"Cookie": getattr(self, "cookie", "")})
            return connection.getresponse().status
        except OSError:
            if not quiet:
                raise
            return 0

    def ask(self, method: str, path: str, body: bytes | str = b"", *, cookie: str = "", **headers: str) -> Any:
        """JSON of one answer."""
        connection = self.connect()
        sent = {**papers(cookie or self.cookie), "Accept": "application/json", **headers}
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in sent.items()})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status < 400, (answer.status, text[:300])
        return json.loads(text)

    def log_in(self, name: str) -> str:
        """The cookies of somebody who has just logged in."""
        connection = self.connect()
        connection.request("GET", "/login/")
        answer = connection.getresponse()
        token = re.search(r"csrftoken=(\w+)", answer.headers["Set-Cookie"] or "")
        assert token
        answer.read()
        form = urllib.parse.urlencode({"username": name, "password": PASSWORD, "csrfmiddlewaretoken": token[1]})
        headers = {"Cookie": token[0], "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login/", form, headers)
        answer = connection.getresponse()
        answer.read()
        cookies = [line.split(";")[0] for name, line in answer.getheaders() if name.lower() == "set-cookie"]
        return "; ".join(cookies)


_PEOPLE = f"""
from annotation.models import Person, Project
ada = Person.objects.create_superuser("ada", password="{PASSWORD}")
Project.objects.create(slug="bench", name="Bench").admit(ada, "admin")
"""


def papers(cookie: str) -> dict[str, str]:
    """What a request shows to be let in."""
    token = re.search(r"csrftoken=(\w+)", cookie)
    return {"Cookie": cookie, "X-CSRFToken": token[1] if token else ""}


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def upload_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """From the last byte of an upload to peaks that a browser can draw, and to a proxy that it can play."""
    site = Site(folder)
    figures = []
    try:
        for suffix, budget in (("wav", 4.0), ("flac", 4.0), ("mp3", 12.0)):
            path = recordings.path(suffix)
            form = urllib.parse.urlencode({"name": path.name, "size": path.stat().st_size})
            kind = {"Content_Type": "application/x-www-form-urlencoded"}
            told = site.ask("POST", "/projects/bench/uploads/", form, **kind)
            with path.open("rb") as file:
                while chunk := file.read(told["chunk_bytes"]):
                    told = site.ask("PUT", told["url"], chunk, Upload_Offset=str(told["received"]))
            began = time.perf_counter()
            made = site.ask("POST", told["completion_url"])
            layer = site.ask(
                "POST", "/api/v1/layers/", json.dumps({"session": made["session"]}), Content_Type="application/json"
            )
            seen = {}
            while len(seen) < 2:
                (recording,) = site.ask("GET", f"/api/v1/layers/{layer['id']}/document/")["recordings"]
                for name in ("peaks", "proxy"):
                    if recording[name] and name not in seen:
                        seen[name] = time.perf_counter() - began
                assert recording["state"] != "failed", recording["message"]
                time.sleep(0.1)
            figures.append(Figure(f"upload of {suffix} done to waveform", seen["peaks"], "s", budget))
            figures.append(Figure(f"upload of {suffix} done to proxy", seen["proxy"], "s", 150.0))
        figures.append(Figure("web process, peak while uploading", peak_mb(site.web_pid), "MB", 200.0))
    finally:
        site.close()
    return figures


def pages_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """The first page, memory, and answers a second of the home page on eight connections."""
    site = Site(folder)
    try:
        figures = [Figure("web and worker started to first answer", site.started_in, "s", 3.0)]
        figures.append(Figure("web process, idle", memory_mb(site.web_pid), "MB", 150.0))
        counts = [0] * 8
        until = time.perf_counter() + 5

        def listener(number: int) -> None:
            connection = site.connect()
            while time.perf_counter() < until:
                connection.request("GET", "/", headers={"Cookie": site.cookie})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                counts[number] += 1

        threads = [threading.Thread(target=listener, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        figures.append(Figure("home page, 8 connections", sum(counts) / 5, "answers/s", 500.0, at_least=True))
        return figures
    finally:
        site.close()


def edits_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """How long an edit waits for its acknowledgement, one person alone."""
    site = Site(folder)
    try:
        path = ROOT / "mixassist_site" / "demo_session" / "session.opus"
        told = json.loads(site.manage("import_session", "bench", str(path), "--json").splitlines()[-1])
        kind = {"Content_Type": "application/json"}
        layer = site.ask("POST", "/api/v1/layers/", json.dumps({"session": told["session"]}), **kind)
        connection = site.connect()
        token = re.search(r"csrftoken=(\w+)", site.cookie)
        assert token
        headers = {"Cookie": site.cookie, "X-CSRFToken": token[1], "Content-Type": "application/json"}
        times = []
        for number in range(300):
            edit = {"id": str(uuid.uuid4()), "op": "segment.create", "uid": str(uuid.uuid4()), "lane": "music"}
            edit |= {"start_ms": number * 10, "end_ms": number * 10 + 500}
            body = json.dumps({"base_revision": number, "edits": [edit]})
            began = time.perf_counter()
            connection.request("POST", f"/api/v1/layers/{layer['id']}/edits/", body, headers)
            answer = connection.getresponse()
            answer.read()
            times.append(1000 * (time.perf_counter() - began))
            assert answer.status == 200
        p95 = statistics.quantiles(times[20:], n=20)[-1]
        return [
            Figure("an edit acknowledged, p95", p95, "ms", 15.0),
            Figure("… median", statistics.median(times), "ms"),
        ]
    finally:
        site.close()


ARMS = {"upload": upload_arm, "pages": pages_arm, "edits": edits_arm}
