"""BERTScore from a tiny real BERT: against a slow one by hand, between its floor and its ceiling."""

import math

import pytest

from evaluation.metrics.measuring import measure
from modeling.backbones.errors import CoreError

pytestmark = pytest.mark.torch
TEXTS = [
    "Cut a little of the bass around eighty hertz.",
    "Pan the two guitars apart.",
    "The vocal needs a slower attack on the compressor!",
    "I would leave the low mids alone, and listen to the snare.",
]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    from evaluation.metrics import tiny

    return tiny.make(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="session")
def reader(folder):
    from evaluation.metrics.bertscore import Reader

    return Reader.open(str(folder), layer=2)


def slow(reader, answer, reference):
    """One pair, unbatched and unpadded, token by token."""
    import torch

    def vectors(text):
        ids = reader.tokenizer(text, return_tensors="pt", truncation=True, max_length=reader.room)
        with torch.inference_mode():
            rows = reader.model(**ids, output_hidden_states=True).hidden_states[reader.layer][0].tolist()
        known = ids["input_ids"][0].tolist()
        special = reader.tokenizer.get_special_tokens_mask(known, already_has_special_tokens=True)
        return rows, [not mark for mark in special]

    def near(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))

    (one, counts), (other, counted) = vectors(answer), vectors(reference)
    best = [max(near(a, b) for b in other) for a, keep in zip(one, counts, strict=True) if keep]
    found = [max(near(a, b) for a in one) for b, keep in zip(other, counted, strict=True) if keep]
    precision, recall = sum(best) / len(best), sum(found) / len(found)
    return 2 * precision * recall / (precision + recall)


def test_batched_scores_are_those_by_hand(reader):
    from evaluation.metrics import bertscore

    answers = [TEXTS[1], TEXTS[0] + " " + TEXTS[2], TEXTS[2], "Hm."]
    raw = bertscore.scores(reader.read(answers), reader.read(TEXTS))
    assert raw == pytest.approx([slow(reader, *pair) for pair in zip(answers, TEXTS, strict=True)], abs=1e-5)
    assert raw[2] == pytest.approx(1, abs=1e-6)


def test_the_baseline_is_zero_and_a_copy_one(reader):
    from evaluation.metrics import bertscore

    words = reader.read(TEXTS)
    base = bertscore.baseline(words)
    assert 0 < base < 1
    assert bertscore.rescaled(bertscore.scores(words, words), base) == pytest.approx([1] * 4, abs=1e-5)
    assert bertscore.baseline(words[:1]) is None
    assert bertscore.baseline([words[0]] * 3) is None  # all alike: nothing to rescale by


def test_a_layer_that_the_model_lacks_is_refused(folder):
    from evaluation.metrics.bertscore import Reader

    with pytest.raises(CoreError, match="layers 1 to 3"):
        Reader.open(str(folder), layer=4)
    with pytest.raises(CoreError, match="can't be opened"):
        Reader.open(str(folder / "nowhere"))


def test_answers_lie_between_the_floor_and_the_ceiling(reader):
    references = {f"test/c/{n}": text for n, text in enumerate(TEXTS)}
    close = {item: text.replace("the", "a") for item, text in references.items()}
    told = measure(references, {"expert": references, "close": close}, reader=reader, seed=3)
    expert, other = told["contenders"]
    assert expert["is_reference"] and not other["is_reference"]
    for name in ("bleu", "rouge_l", "bertscore"):
        top = told["ceiling"][name]
        assert expert[name]["value"] == pytest.approx(top, abs=1e-5)
        assert other[name]["floor"] < other[name]["low"] <= other[name]["value"] <= other[name]["high"] <= top + 1e-5
    record = told["signatures"]["bertscore"]
    assert (record["layer"], record["idf"], record["baseline_from"][:8]) == (2, False, "measured")
    assert len(record["weights_sha256"]) == 64
    assert told == measure(references, {"expert": references, "close": close}, reader=reader, seed=3)
    given = measure(references, {"close": close}, reader=reader, baseline=0.5)
    assert given["signatures"]["bertscore"]["baseline_from"] == "given"


def test_long_texts_are_cut_and_counted(reader):
    references = {"test/c/0": "mix " * 100, "test/c/1": TEXTS[0]}
    told = measure(references, {"tiny": references}, reader=reader)
    assert any("longer than BERTScore's model reads" in each for each in told["limits"])


def test_one_item_and_empty_answers_give_no_number_where_there_is_none(reader):
    told = measure({"a": TEXTS[0], "b": "  "}, {"x": {"a": "Yes.", "b": "No."}, "y": {}}, reader=reader)
    x, y = told["contenders"]
    assert x["bertscore"] is None and x["bleu"]["low"] is None and x["bleu"]["floor"] is None
    assert y["bleu"] is None
    assert any("no baseline" in each for each in told["limits"])
