"""BLEU of answers against the expert's, as sacreBLEU computes and signs it."""

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from evaluation.metrics.resampling import Array

ORDER = 4


def parts(answers: Sequence[str], references: Sequence[str]) -> Array:
    """Count what each answer adds to corpus BLEU: matched n-grams, n-grams, both lengths; shape (N, 10).

    n-grams of 1 to 4 tokens of sacreBLEU's 13a tokeniser, case kept (Papineni et al. 2002; Post 2018).
    """
    metric = BLEU(effective_order=True)
    rows = []
    for answer, reference in zip(answers, references, strict=True):
        found = metric.sentence_score(answer, [reference])
        rows.append([*found.counts, *found.totals, found.sys_len, found.ref_len])
    return np.array(rows, dtype=np.float64).reshape(-1, 2 * ORDER + 2)


def corpus(sums: Array) -> float:
    """Return BLEU, 0 to 100, of summed parts, shape (10,)."""
    return _of(sums, effective_order=False)


def sentences(rows: Array) -> Array:
    """Return each answer's own BLEU, 0 to 100, shape (N,): smoothed, over as many n-grams as it has.

    Chen and Cherry 2014. Good for comparing answers to one item; the mean of these is no corpus BLEU.
    """
    return np.array([_of(row, effective_order=True) for row in rows], dtype=np.float64)


def signature() -> str:
    """Return sacreBLEU's signature of what `corpus` computes."""
    metric = BLEU()
    metric.corpus_score(["a"], [["a"]])
    return str(metric.get_signature())


def _of(sums: Array, *, effective_order: bool) -> float:
    found = BLEU.compute_bleu(
        correct=[int(each) for each in sums[:ORDER]],
        total=[int(each) for each in sums[ORDER : 2 * ORDER]],
        sys_len=int(sums[-2]),
        ref_len=int(sums[-1]),
        smooth_method="exp",
        effective_order=effective_order,
        max_ngram_order=ORDER,
    )
    return float(found.score)
