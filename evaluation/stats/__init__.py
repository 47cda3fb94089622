"""Statistics of votes: arrays and counts in, frozen results out; no Django."""
