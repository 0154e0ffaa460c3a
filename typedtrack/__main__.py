"""``python -m typedtrack``: the command line."""

from typedtrack.cli import main

main()
