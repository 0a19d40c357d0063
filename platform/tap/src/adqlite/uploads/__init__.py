"""Tables that people send with a query."""
