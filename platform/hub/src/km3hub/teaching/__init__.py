"""What teachers do during a workshop: see, write, publish, collect, help."""
