"""Checks of a deployed machine; each failure says what is wrong and what to do."""
