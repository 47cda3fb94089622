"""The published MixAssist data set: read, checked, and folded back into conversations."""

from annotation.published.facts import PublishedError
from annotation.published.folding import Folded, fold
from annotation.published.reading import PublishedSet, read_set

__all__ = ["Folded", "PublishedError", "PublishedSet", "fold", "read_set"]
