"""Rows for tests, as small as they can be and still true."""

import uuid

import factory

from annotation.models import (
    Conversation,
    FlagValue,
    Layer,
    MixingSession,
    Project,
    Recording,
    Segment,
    Snapshot,
    Turn,
    TurnMember,
)
from mixassist_site.jobs import State


class ProjectFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Project

    slug = factory.Sequence(lambda n: f"project-{n}")
    name = factory.Sequence(lambda n: f"Project {n}")


class SessionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MixingSession

    project = factory.SubFactory(ProjectFactory)
    number = factory.Sequence(lambda n: n + 1)
    title = factory.Sequence(lambda n: f"Session {n}")
    length_ms = 600_000


class RecordingFactory(factory.django.DjangoModelFactory):
    """The row alone: tests that need sound make a file with `annotation.audio`."""

    class Meta:
        model = Recording

    session = factory.SubFactory(SessionFactory)
    name = "session.wav"
    master = factory.Sequence(lambda n: f"masters/{n}.wav")
    sha256 = "0" * 64
    size = 1000
    container = "wav"
    codec = "pcm_s16le"
    sample_rate = 48_000
    channels = 2
    frames = 28_800_000
    length_ms = 600_000


class LayerFactory(factory.django.DjangoModelFactory):
    """`LayerFactory(owner=ana, session=…)`; without an owner it is an import."""

    class Meta:
        model = Layer

    session = factory.SubFactory(SessionFactory)
    owner = None
    kind = factory.LazyAttribute(lambda layer: "human" if layer.owner else "import")


class SegmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Segment

    layer = factory.SubFactory(LayerFactory)
    lane = "amateur"
    start_ms = factory.Sequence(lambda n: n * 1000)
    end_ms = factory.LazyAttribute(lambda segment: segment.start_ms + 900)
    text = "It sounds muddy."


def turn(layer: Layer, at_ms: int, amateur="Is it muddy?", expert="Cut at 300.", music=True, flag=None) -> Turn:
    """A turn of up to three segments that begins at a time."""
    made = Turn.objects.create(layer=layer)
    spans = [("music", 0, 2000, "loop")] if music else []
    spans += [("amateur", 2000, 3000, amateur)] if amateur else []
    spans += [("expert", 3000, 5000, expert)] if expert else []
    for position, (lane, start, end, text) in enumerate(spans):
        segment = Segment.objects.create(layer=layer, lane=lane, start_ms=at_ms + start, end_ms=at_ms + end, text=text)
        TurnMember.objects.create(turn=made, segment=segment, position=position)
    if flag:
        FlagValue.objects.create(turn=made, flag="has_content", value=flag)
    return made


def conversation(layer: Layer, turns: list[Turn], topic="drums") -> Conversation:
    """Turns grouped under a topic."""
    made = Conversation.objects.create(layer=layer, topic=topic)
    Turn.objects.filter(pk__in=[one.pk for one in turns]).update(conversation=made)
    return made


class SnapshotFactory(factory.django.DjangoModelFactory):
    """A frozen snapshot's row, without files."""

    class Meta:
        model = Snapshot

    project = factory.SubFactory(ProjectFactory)
    name = factory.Sequence(lambda n: f"snapshot-{n}")
    state = State.SUCCEEDED
    content_hash = factory.LazyFunction(lambda: uuid.uuid4().hex * 2)
    counts = {"train": 4, "validation": 1, "test": 2}
    folder = factory.Sequence(lambda n: f"{n}/1")
