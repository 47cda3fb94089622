"""The name of a call by its content: the same call is bought once."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from evaluation.judging.endpoints import Endpoint


def key_of(
    endpoint: Endpoint,
    template_digest: str,
    messages: Sequence[Mapping[str, str]],
    parameters: Mapping[str, Any],
    *,
    order: Sequence[str],
    replicate: int,
) -> str:
    """The hash of everything that an answer may hang on.

    `order` is who is shown in which place; `replicate` keeps the same question, asked again on
    purpose, a call of its own.
    """
    facts = {
        "address": endpoint.base_url.rstrip("/"),
        "model": endpoint.model,
        "template": template_digest,
        "messages": list(messages),
        "parameters": dict(parameters),
        "order": list(order),
        "replicate": replicate,
    }
    return sha256(json.dumps(facts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
