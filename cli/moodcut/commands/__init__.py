"""The commands of `moodcut`, one module each."""
