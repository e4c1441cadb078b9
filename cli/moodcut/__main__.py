"""`python -m moodcut` is `moodcut`."""

from moodcut.app import main

main()
