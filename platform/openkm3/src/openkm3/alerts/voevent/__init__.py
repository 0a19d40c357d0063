"""VOEvent 2.0: writing, tolerant reading, validation with the IVOA's schema."""
