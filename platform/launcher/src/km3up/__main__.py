"""`python -m km3up`: the same as the program `km3up`."""

from km3up.cli import main

main()
