"""What judges say, counted: rankings, standings, places, agreement. No Django in here."""
