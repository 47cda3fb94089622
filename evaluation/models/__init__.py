"""Studies, ratings and what they say."""
