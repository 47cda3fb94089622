"""The bundled mixing session: a recording, its transcript, and the script that made both."""

from pathlib import Path

HERE = Path(__file__).parent
RECORDING = HERE / "session.opus"
TRANSCRIPT = HERE / "transcript.jsonl"
