"""From a frozen data set to an answer that can be traced back to it."""

from modeling.models.adapter import Adapter, Standing
from modeling.models.base_model import BaseModel
from modeling.models.candidate import Candidate, Generation, Source
from modeling.models.encoder_probe import EncoderProbe
from modeling.models.experiment import Experiment
from modeling.models.training_run import Metric, TrainingRun
from modeling.models.transcription import Transcription
from modeling.models.worker import Worker

__all__ = [
    "Adapter",
    "BaseModel",
    "Candidate",
    "EncoderProbe",
    "Experiment",
    "Generation",
    "Metric",
    "Source",
    "Standing",
    "TrainingRun",
    "Transcription",
    "Worker",
]
