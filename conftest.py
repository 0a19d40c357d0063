"""What holds for every test of the repository, wherever it is."""

pytest_plugins = ("tests.scopes", "tests.not_run")
