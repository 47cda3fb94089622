"""What workers do for this room: each child computes, its module here writes what it says and publishes the result."""

from modeling.execute.experiments import experiment
from modeling.execute.generating import decode_options, generate
from modeling.execute.listening import probe
from modeling.execute.training import train
from modeling.execute.transcribing import transcribe

__all__ = ["decode_options", "experiment", "generate", "probe", "train", "transcribe"]
