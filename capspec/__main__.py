"""`python -m capspec`: the command line."""

from capspec.cli import main

main()
