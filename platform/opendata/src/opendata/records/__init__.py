"""Records of open data: versions, files, accounts, audit."""
