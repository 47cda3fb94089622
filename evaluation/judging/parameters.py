"""What a request holds beside model and messages."""

from collections.abc import Mapping
from typing import Any

from evaluation.judging.abilities import Abilities
from evaluation.judging.endpoints import Endpoint


def parameters(
    endpoint: Endpoint,
    abilities: Abilities,
    *,
    schema: Mapping[str, Any] | None = None,
    seed: int | None = None,
    max_output_tokens: int | None = None,
) -> dict[str, Any]:
    """What is sent beside model and messages: only what the endpoint takes."""
    told: dict[str, Any] = {}
    if abilities.limit:
        told[abilities.limit] = max_output_tokens or endpoint.max_output_tokens
    if abilities.temperature:
        told["temperature"] = endpoint.temperature
    if abilities.seed and seed is not None:
        told["seed"] = seed
    if abilities.effort and endpoint.reasoning_effort:
        told["reasoning_effort"] = endpoint.reasoning_effort
    if schema is not None and abilities.form == "json_schema":
        named = {"name": "verdict", "strict": True, "schema": dict(schema)}
        told["response_format"] = {"type": "json_schema", "json_schema": named}
    elif schema is not None and abilities.form == "json_object":
        told["response_format"] = {"type": "json_object"}
    return told
