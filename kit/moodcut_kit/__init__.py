"""What all moodcut services share. A library: it imports no service."""
