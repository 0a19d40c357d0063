"""A course's repository in the user's home, brought by a link; the user's own work is kept."""
