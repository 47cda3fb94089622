"""Measure the site: `make bench`, or `python -m bench --only name`; a table, and bench/results/latest.json."""

import argparse
import json
import tempfile
from pathlib import Path

from bench import (
    audio,
    browser,
    browsing,
    candidates,
    in_time,
    reports,
    site,
    snapshots,
    statistics,
    studies,
    training,
    transcripts,
    workbench,
)
from bench.measure import Figure, Recordings

RESULTS = Path(__file__).parent / "results" / "latest.json"
ARMS = {
    **audio.ARMS,
    **site.ARMS,
    **browser.ARMS,
    **workbench.ARMS,
    **in_time.ARMS,
    **transcripts.ARMS,
    **snapshots.ARMS,
    **browsing.ARMS,
    **statistics.ARMS,
    **studies.ARMS,
    **candidates.ARMS,
    **reports.ARMS,
    **training.ARMS,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(ARMS), help="these arms alone")
    parser.add_argument("--minutes", type=float, default=90, help="length of the session that is measured with")
    parser.add_argument("--sessions", type=Path, help="keep the long sessions here, to use them again")
    asked = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="mixassist-bench-") as folder:
        recordings = Recordings(asked.sessions or Path(folder), asked.minutes)
        for name in asked.only or ARMS:
            print(f"· {name}", flush=True)
            figures += ARMS[name](recordings, Path(folder) / name)
    table(figures)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([figure.as_dict() for figure in figures], indent=1) + "\n")


def table(figures: list[Figure]) -> None:
    """One line a figure."""
    width = max((len(figure.name) for figure in figures), default=4)
    print(f"\n{'figure':{width}}  {'value':>10} {'unit':8} {'budget':>8}  ok   {'ratio':>6}  against")
    for each in figures:
        budget = f"{each.budget:g}" if each.budget is not None else "–"
        ratio = f"{each.ratio:.2f}" if each.ratio is not None else "–"
        ok = {True: "yes", False: "NO", None: "–"}[each.ok]
        numbers = f"{each.value:10.2f} {each.unit:9} {budget:>7}  {ok:4} {ratio:>6}"
        print(f"{each.name:{width}}  {numbers}  {each.against or '–'}")


if __name__ == "__main__":
    main()
