"""`python -I -m km3lab`: the command of every user server."""

from km3lab.start import main

main()
