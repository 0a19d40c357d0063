"""How the images of the platform are built; `images/build.py` is the command."""
