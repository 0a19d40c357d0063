"""`python -m km3homes`."""

from km3homes.cli import main

main()
