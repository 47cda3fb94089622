"""BLEU and ROUGE-L against printed figures of sacreBLEU and rouge-score."""

import numpy as np
import pytest

from evaluation.metrics import bleu, rouge
from evaluation.metrics.resampling import interval, mean, others, scored

# sacreBLEU's README: two systems' sentences with two reference sets; the score of each against the first alone is
# recomputed by corpus_score in the test below.
SAID = [
    "The dog bit the man.",
    "It wasn't surprising.",
    "The man had just bitten him.",
]
FIRST = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]


def test_the_readme_case_of_sacrebleu_is_48_53():
    second = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]
    from sacrebleu.metrics import BLEU

    whole = BLEU().corpus_score(SAID, [FIRST, second])
    assert round(whole.score, 2) == 48.53
    assert [round(each, 1) for each in whole.precisions] == [82.4, 50.0, 45.5, 37.5]
    assert round(whole.bp, 3) == 0.943


def test_corpus_bleu_from_sentences_is_sacrebleus_own():
    from sacrebleu.metrics import BLEU

    expected = BLEU().corpus_score(SAID, [FIRST]).score
    assert bleu.corpus(bleu.parts(SAID, FIRST).sum(axis=0)) == pytest.approx(expected, abs=1e-9)


def test_sentence_bleu_is_sacrebleus_own():
    from sacrebleu.metrics import BLEU

    metric = BLEU(effective_order=True)
    expected = [metric.sentence_score(one, [other]).score for one, other in zip(SAID, FIRST, strict=True)]
    assert bleu.sentences(bleu.parts(SAID, FIRST)) == pytest.approx(expected, abs=1e-9)


def test_a_copy_scores_a_hundred_and_the_signature_says_how():
    assert bleu.corpus(bleu.parts(SAID, SAID).sum(axis=0)) == pytest.approx(100)
    assert bleu.signature() == "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"


def test_rouge_l_of_the_fox_and_the_log():
    reference, answer = "The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log."
    assert rouge.scores([answer], [reference])[0] == pytest.approx(0.588235, abs=1e-6)
    assert rouge.scores([reference], [reference])[0] == 1.0


def test_an_interval_draws_items_and_not_answers():
    values = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    alone = interval(scored(values), range(8), mean, seed=1)
    whole = interval(scored(values), ["a"] * 4 + ["b"] * 4, mean, seed=1)
    assert alone[0] > 0 and alone[1] < 1
    assert whole == (0.0, 1.0)  # both draws of one item happen a quarter of the time
    assert interval(scored(values), ["a"] * 8, mean) is None


def test_every_item_gets_another_one():
    for n in (2, 3, 50):
        partner = others(n, seed=n)
        assert sorted(partner) == list(range(n))
        assert all(partner != np.arange(n))
    assert others(1) is None
