"""What a figure is, and the sessions that are measured with."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Figure:
    """One measured value, its budget, and what a peer or a naive way took in the same run."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    against: str | None = None
    ratio: float | None = None  # ours over theirs
    at_least: bool = False  # the budget is a floor

    @property
    def ok(self) -> bool | None:
        """Whether the budget holds; None without one."""
        if self.budget is None:
            return None
        return self.value >= self.budget if self.at_least else self.value <= self.budget

    def as_dict(self) -> dict[str, Any]:
        """As the results file tells it."""
        told = {name: value for name, value in asdict(self).items() if name != "at_least"}
        return {**told, "value": round(self.value, 4), "ok": self.ok}


class Recordings:
    """A long session in each format, made when it is first asked for."""

    def __init__(self, folder: Path, minutes: float) -> None:
        self.folder = folder
        self.minutes = minutes

    def path(self, suffix: str) -> Path:
        """The session as wav, flac, mp3, opus or m4a, or its jsonl."""
        target = self.folder / f"session-{self.minutes:g}.{suffix}"
        if not target.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "bench/make_session.py", "--minutes", f"{self.minutes:g}", "--seed", "7"]
            command += ["--out", str(self.folder), "--name", target.stem]
            command += [] if suffix in ("wav", "jsonl") else ["--formats", f"wav,{suffix}"]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return target


def least(work: Callable[[], Any], rounds: int = 3) -> float:
    """The shortest of several runs in seconds: noise only ever adds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def memory_mb(pid: int) -> float:
    """Resident memory of a process and all below it that is theirs alone or their share of it (PSS), in MB."""
    return sum(pss_mb(each) for each in [pid, *below(pid)])


def pss_mb(pid: int) -> float:
    """Resident memory of one process, shared pages divided by who shares them, in MB; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1024


def peak_mb(pid: int) -> float:
    """The most resident memory that one process ever had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def below(pid: int) -> list[int]:
    """Children, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # ended meanwhile
            continue
        for child in children:
            found += [int(child), *below(int(child))]
    return found


def environment(home: Path) -> dict[str, str]:
    """The site on a home of its own."""
    return {**os.environ, "MIXASSIST_HOME": str(home), "LOG_LEVEL": "ERROR"}
