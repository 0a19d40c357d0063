"""Image transfer to workers through the platform's registry."""
