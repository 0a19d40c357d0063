"""What users' servers use: counting, quotas, reports, the spawn switch, and a watch for misuse."""
