"""A finished analysis without the work: for tests of who may see one."""

from functools import lru_cache
from pathlib import Path

from django.utils import timezone

from evaluation import figures
from evaluation.findings import whole
from evaluation.findings.votes import columns
from evaluation.models import Analysis, Study
from mixassist_site.jobs import State


@lru_cache(maxsize=1)
def empty_result():
    """What a study without a vote comes to."""
    study = {
        "title": "t",
        "state": "closed",
        "question": "q",
        "snapshot": "s",
        "split": "test",
        "items": 1,
        "skipped": 0,
    }
    flow = dict.fromkeys(("invited", "started", "consented", "screened_out", "withdrawn", "completed"), 0)
    facts = whole.Facts(study=study, comparisons=1, wanted=1, flow=flow | {"excluded": {}}, expert=None, texts={})
    return whole.report(facts, columns([], ["expert", "tiny"]), draws=10, seed=0)


def analysis_of(study: Study) -> Analysis:
    """A finished analysis of a study with figures that nobody drew."""
    made = {"input_hash": "a" * 64, "code_version": "b" * 12, "sha256": "c" * 64, "finished_at": timezone.now()}
    row = Analysis.objects.create(
        project=study.project, study=study, number=1, state=State.SUCCEEDED, result=empty_result(), **made
    )
    scribble(row, row.folder)
    return row


def scribble(analysis: Analysis, folder: Path) -> None:
    """Put files where figures would lie."""
    folder.mkdir(parents=True)
    for name in [*(f"{name}.{kind}" for name in figures.NAMES for kind in figures.FORMATS), "report.pdf"]:
        (folder / name).write_bytes(b"<svg/>")
