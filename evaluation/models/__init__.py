"""A study, who competes, who sees what, and what they said."""

from evaluation.models.act import StudyAct
from evaluation.models.analysis import Analysis
from evaluation.models.assignment import Assignment
from evaluation.models.check import Check
from evaluation.models.comparison import Comparison
from evaluation.models.contender import Contender
from evaluation.models.follow_up import FollowUp
from evaluation.models.item import Item
from evaluation.models.judge import JudgeAbilities, JudgeCall, JudgeReply, JudgeRun, Verdict
from evaluation.models.metric_run import MetricRun
from evaluation.models.rater import Rater
from evaluation.models.rating import Rating
from evaluation.models.response import Response
from evaluation.models.study import Study

__all__ = [
    "Analysis",
    "Assignment",
    "Check",
    "Comparison",
    "Contender",
    "FollowUp",
    "Item",
    "JudgeAbilities",
    "JudgeCall",
    "JudgeReply",
    "JudgeRun",
    "MetricRun",
    "Rater",
    "Rating",
    "Response",
    "Study",
    "StudyAct",
    "Verdict",
]
