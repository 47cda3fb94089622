"""The things of a session, from the recording to the frozen data set."""

from annotation.models.conversation import Conversation
from annotation.models.draft import SummaryDraft
from annotation.models.edit import Edit
from annotation.models.flag import FlagValue
from annotation.models.layer import Layer, Review
from annotation.models.login import Login
from annotation.models.person import ApiToken, Person
from annotation.models.project import Membership, Project, Pseudonym, Role
from annotation.models.proposal import LaneProposal
from annotation.models.published import Published
from annotation.models.recording import Derived, Ingest, Recording
from annotation.models.release import Release
from annotation.models.segment import Lane, Segment
from annotation.models.session import MixingSession, Participant, Seat
from annotation.models.snapshot import Snapshot
from annotation.models.summary import Summary
from annotation.models.track import MixTrack
from annotation.models.transcript import Transcript
from annotation.models.turn import Turn, TurnMember
from annotation.models.turn_text import IndexedLayer, TurnText
from annotation.models.upload import Upload
from annotation.models.vocabulary import VocabularyVersion

__all__ = [
    "ApiToken",
    "Conversation",
    "Derived",
    "Edit",
    "FlagValue",
    "IndexedLayer",
    "Ingest",
    "Lane",
    "LaneProposal",
    "Layer",
    "Login",
    "Membership",
    "MixTrack",
    "MixingSession",
    "Participant",
    "Person",
    "Project",
    "Pseudonym",
    "Published",
    "Recording",
    "Release",
    "Review",
    "Role",
    "Seat",
    "Segment",
    "Snapshot",
    "Summary",
    "SummaryDraft",
    "Transcript",
    "Turn",
    "TurnMember",
    "TurnText",
    "Upload",
    "VocabularyVersion",
]
