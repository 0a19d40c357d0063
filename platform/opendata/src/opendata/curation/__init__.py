"""What curators and reviewers do in a browser: log in, write drafts, upload, review, withdraw."""
