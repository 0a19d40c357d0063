"""`python -m km3hub`: the same as the program `km3hub`."""

from km3hub.cli import main

main()
