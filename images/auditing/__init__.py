"""Known vulnerabilities of the packages in the images."""
