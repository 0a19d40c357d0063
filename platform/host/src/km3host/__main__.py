"""Entry point of the program file and of `python -m km3host`."""

from km3host.cli import main

main()
