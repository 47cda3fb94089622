"""A verdict is what the text states, word for word; everything else is none."""

import json
import random

import pytest

from evaluation.judging import parser
from evaluation.judging.errors import Invalid

LABELS = ["R1", "R2", "R3"]
GOOD = '{"ranking": [["R2"], ["R1", "R3"]]}'


def read(text, *, ties=True, labels=LABELS):
    return parser.ranking(text, labels, ties=ties)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Here is my ranking:\n\n```\n{GOOD}\n```\n",
        f"<think>R1 is {{good}}, or {GOOD[:20]} no.</think>\n{GOOD}",
        f"R1 seems better, hm, no.</think>{GOOD}",
        f"<think>a</think><think>b</think>{GOOD}",
        f"<|channel|>analysis<|message|>R3?<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
        '{"notes": {"R1": "long {"}, "ranking": [["R2"], ["R1", "R3"]], "confidence": 1}',
        '{"ranking": [["R2"], ["R3", "R1"]]}',
    ],
)
def test_a_verdict_is_read_where_it_stands(text):
    found = read(text)
    assert [set(group) for group in found.groups] == [{"R2"}, {"R1", "R3"}]
    assert json.loads(text[found.start : found.end])["ranking"] == found.said["ranking"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("R2 is the best.", "no JSON object"),
        ('{"ranking": [["R2"], ["R1"]]}', "exactly once"),
        ('{"ranking": [["R2"], ["R1"], ["R3"], ["R4"]]}', "exactly once"),
        ('{"ranking": [["R2"], ["R2"], ["R3"]]}', "exactly once"),
        ('{"ranking": [["R2"], ["R1", "R3"], ["R2"]]}', "exactly once"),
        ('{"ranking": [["R2", "R2"], ["R1", "R3"]]}', "exactly once"),
        ('{"ranking": [["r2"], ["R1"], ["R3"]]}', "exactly once"),
        ('{"ranking": [["A"], ["B"], ["C"]]}', "exactly once"),
        ('{"ranking": ["R2", "R1", "R3"]}', "list of lists"),
        ('{"ranking": [["R2"], [], ["R1", "R3"]]}', "list of lists"),
        ('{"ranking": [[2], [1], [3]]}', "list of lists"),
        ('{"ranking": "R2 R1 R3"}', "no list"),
        ('{"rankings": [["R2"], ["R1", "R3"]]}', "no list"),
        ('{"a": {"ranking": [["R2"], ["R1", "R3"]]}}', "no list"),
        (f"[{GOOD}]", "piece of one"),
        (f"[1, {GOOD}", "piece of one"),
        (GOOD[:-1], "can't be read"),
        ("{'ranking': [['R2'], ['R1', 'R3']]}", "can't be read"),
        (f"{GOOD} {GOOD}", "nothing may follow"),
        (f"{GOOD} – or rather R3 first.", "nothing may follow"),
        ('{"draft": 1} {"ranking": [["R2"], ["R1", "R3"]]}', "nothing may follow"),
        ('{"ranking": [["R1"], ["R2"], ["R3"]], "ranking": [["R2"], ["R1"], ["R3"]]}', "can't be read"),
        (f'{{"draft": {GOOD}, "final": {{"ranking": [["R1"', "can't be read"),
        (f"<think>It could be {GOOD}", "does not end"),
        (f"{GOOD}<think>But then", "does not end"),
        ('{"ranking": [["R<think>x</think>2"], ["R1", "R3"]]}', "no JSON object"),
        ("<|channel|>analysis<|message|>" + GOOD, "does not end"),
        (f"}} {GOOD}", "more than one"),
        ("[" * 5000 + GOOD, "piece of one"),
        ('{"ranking": ' + "[" * 5000, "can't be read"),
        ("x" * 300_000, "too long"),
    ],
)
def test_what_states_no_verdict_or_two_is_invalid(text, why):
    with pytest.raises(Invalid, match=why):
        read(text)


def test_a_tie_is_invalid_where_the_template_has_none():
    with pytest.raises(Invalid, match="ties"):
        read(GOOD, ties=False)


@pytest.mark.parametrize(
    "text", ["I'm sorry, but I can't rank these.", "I cannot assist.", "<think>hm</think> As an AI, no."]
)
def test_a_refusal_is_told_from_an_answer(text):
    assert parser.is_refusal(text)
    assert not parser.is_refusal(f"{text} {GOOD}")
    assert not parser.is_refusal(GOOD)


def test_scores_are_whole_numbers_under_every_criterion():
    names = ("accuracy", "helpfulness", "fluency")
    said = '{"notes": "fine", "scores": {"accuracy": 4, "fluency": 2, "helpfulness": 5}}'
    assert parser.scores(said, names).points == {"accuracy": 4, "helpfulness": 5, "fluency": 2}
    for wrong in ("6", "0", "4.0", "true", '"4"', "null"):
        with pytest.raises(Invalid):
            parser.scores(said.replace("4", wrong), names)
    with pytest.raises(Invalid):
        parser.scores('{"scores": {"accuracy": 4}}', names)


PIECES = [
    "R1", "R2", "R3", "R4", '"', "[", "]", "{", "}", ",", ":", "\\", "\n", "```", "```json", "<think>", "</think>",
    "ranking", "scores", " ", "null", "NaN", "'", "“", "\ud83d", "\0", "1e999", "<|channel|>final<|message|>",
    '{"ranking": [["R1"], ["R2"], ["R3"]]}', '{"ranking": [["R3"], ["R2"], ["R1"]]}', "I'm sorry", "é", "//", "/*",
]  # fmt: skip


def fuzzed(rng: random.Random) -> str:
    """A judge's output as it goes wrong: cut, doubled, spliced, escaped, with pieces put in or taken out."""
    order = rng.sample(LABELS, 3)
    groups = [[order[0]], [order[1]], [order[2]]] if rng.random() < 0.6 else [[order[0]], order[1:]]
    text = json.dumps({"ranking": groups} if rng.random() < 0.7 else {"notes": {"R1": "a {b}"}, "ranking": groups})
    text = rng.choice(["{}", "```json\n{}\n```", "Well:\n{}", "<think>hm {{</think>{}", "hm</think>{}"]).replace(
        "{}", text
    )
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 8])):
        at, to = sorted((rng.randint(0, len(text)), rng.randint(0, len(text))))
        match rng.randrange(7):
            case 0:
                text = text[:at]
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:at] + rng.choice(PIECES) + text[at:]
            case 3:
                text = text + rng.choice(["", "\n", " or "]) + text[at:to]
            case 4:
                text = text[:at] + text[at:to].replace("R1", rng.choice(["R2", "R3", "r1", "R1 "])) + text[to:]
            case 5:
                text = text[:at] + "".join(rng.sample(text[at:to], to - at)) + text[to:]
            case 6:
                text = rng.choice(PIECES) + text + rng.choice(PIECES)
    return text


def test_ten_thousand_fuzzed_outputs_give_no_verdict_that_the_text_does_not_state():
    rng = random.Random(20)
    read_, refused = 0, 0
    for _ in range(10_000):
        text = fuzzed(rng)
        try:
            found = read(text)
        except Invalid:
            refused += 1
            continue
        read_ += 1
        span = text[found.start : found.end]
        pairs = json.loads(span, object_pairs_hook=list)
        stated = [value for key, value in pairs if key == "ranking"]
        assert stated == [[list(group) for group in found.groups]]  # once, and this
        assert sorted(label for group in found.groups for label in group) == LABELS
        after = text[found.end :].replace("```", "").replace("<|return|>", "")
        assert not after.strip(), "something follows the verdict"
        before = text[: found.start].rsplit("</think>", 1)[-1].rsplit("<|message|>", 1)[-1]
        assert "{" not in before and "}" not in before, "another object stands before it"
        assert "<think>" not in before, "it stands within the reasoning"
    assert read_ > 1500 and refused > 3000, (read_, refused)  # the fuzz meets both
