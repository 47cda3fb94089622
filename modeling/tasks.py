"""What Celery's messages ring for; the rows say what is to be done."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown

from modeling import execute
from modeling.models import EncoderProbe, Experiment, Generation, TrainingRun, Transcription
from modeling.workers import Heart

_hearts: list[Heart] = []


@worker_ready.connect  # type: ignore[untyped-decorator]
def start_heart(sender: Any = None, **kwargs: Any) -> None:
    """Let a Celery worker tell of itself."""
    consumer = getattr(sender, "task_consumer", None)
    _hearts.append(Heart(sorted(queue.name for queue in consumer.queues) if consumer else []))
    _hearts[-1].start()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def stop_heart(**kwargs: Any) -> None:
    """Take the worker's row away with it."""
    while _hearts:
        _hearts.pop().stop()


@shared_task  # type: ignore[untyped-decorator]
def train_adapter(run_id: int) -> None:
    """Train the adapter of a run."""
    execute.train(TrainingRun.objects.get(pk=run_id))


@shared_task  # type: ignore[untyped-decorator]
def run_experiment(experiment_id: int) -> None:
    """Train the runs of an experiment."""
    execute.experiment(Experiment.objects.get(pk=experiment_id))


@shared_task  # type: ignore[untyped-decorator]
def generate_candidates(generation_id: int) -> None:
    """Let a source answer a split."""
    execute.generate(Generation.objects.get(pk=generation_id))


@shared_task  # type: ignore[untyped-decorator]
def probe_encoder(probe_id: int) -> None:
    """Find where a base's hearing is lost."""
    execute.probe(EncoderProbe.objects.get(pk=probe_id))


@shared_task  # type: ignore[untyped-decorator]
def transcribe(transcription_id: int) -> None:
    """Transcribe a recording."""
    if job := Transcription.objects.filter(pk=transcription_id).first():
        execute.transcribe(job)
