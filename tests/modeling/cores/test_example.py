"""A turn is shown in the paper's order, and silence is silence."""

from pathlib import Path

from modeling.backbones.example import Example, Message, history_of

CLIP = Path("cut_1.wav")
SUMMARY = "We have been balancing the drums."


def test_the_order_is_summary_history_clip_and_words():
    earlier = (Message("user", "So quiet!"), Message("assistant", "Turn it up."))
    example = Example(row="r", history=earlier, summary=SUMMARY, user="Better?", audio=CLIP, answer="Yes.")
    assert example.messages() == (
        Message("user", f"{SUMMARY}\n\nSo quiet!"),
        Message("assistant", "Turn it up."),
        Message("user", "Better?", CLIP),
    )


def test_a_history_that_the_expert_opens_leaves_the_summary_a_message_of_its_own():
    example = Example(row="r", history=(Message("assistant", "Listen."),), summary=SUMMARY, audio=CLIP)
    assert example.messages()[0] == Message("user", SUMMARY)


def test_a_summary_that_the_words_carry_already_is_not_said_twice():
    said = f"{SUMMARY} So quiet!"
    assert Example(row="r", summary=SUMMARY, user=said).messages() == (Message("user", said),)


def test_a_silent_amateur_leaves_the_clip_alone():
    assert Example(row="r", audio=CLIP, answer="Yes.").messages() == (Message("user", "", CLIP),)


def test_silent_sides_are_no_part_of_the_history():
    turns = [
        {"content": None, "role": "user"},
        {"content": "Listen.", "role": "assistant"},
        {"content": " ", "role": "user"},
    ]
    assert history_of(turns) == (Message("assistant", "Listen."),)
    assert history_of(None) == ()


def test_what_can_be_learnt_from_needs_an_answer_and_something_before_it():
    assert Example(row="r", audio=CLIP, answer="Yes.").is_trainable
    assert not Example(row="r", audio=CLIP).is_trainable
    assert not Example(row="r", answer="Yes.").is_trainable


def test_the_last_turns_of_a_history_are_kept_whole():
    talk = tuple(Message(*pair) for pair in (
        ("assistant", "Listen."), ("user", "So quiet!"), ("assistant", "Turn it up."), ("assistant", "More."),
        ("user", "Better?"), ("user", "Or not?"), ("assistant", "Yes."),
    ))  # fmt: skip
    kept = [len(Example(row="r", history=talk).with_recent(turns).history) for turns in range(7)]
    assert kept == [0, 2, 3, 4, 6, 7, 7]
