"""`python -I -m km3hub.lab`: the command of every user server."""

from km3hub.lab.start import main

main()
