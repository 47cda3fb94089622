"""A processor that listens alone, for a family whose own one also wants eyes and the packages for them."""

from typing import Any

from transformers import Qwen2_5OmniProcessor
from transformers.processing_utils import ProcessorMixin


class OmniEars(Qwen2_5OmniProcessor):
    """Qwen2.5-Omni's processor without images and video, which need torchvision and which no snapshot holds."""

    def __init__(self, feature_extractor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        ProcessorMixin.__init__(self, feature_extractor, tokenizer, chat_template=chat_template)  # type: ignore[no-untyped-call]
        for name in ("image_token", "audio_token", "video_token"):
            setattr(self, name, getattr(tokenizer, name))
            setattr(self, f"{name}_id", getattr(tokenizer, f"{name}_id"))


PROCESSORS: dict[str, type[ProcessorMixin]] = {"qwen2_5_omni": OmniEars}
