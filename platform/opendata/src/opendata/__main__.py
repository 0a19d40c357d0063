"""Run the command line as ``python -m opendata``."""

from opendata.cli import main

if __name__ == "__main__":
    main()
