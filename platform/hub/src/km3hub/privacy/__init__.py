"""Personal data: what is kept for how long, and the deletion of old logs."""
