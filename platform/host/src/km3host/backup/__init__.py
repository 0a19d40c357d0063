"""Backups of the platform by restic: save, list, restore, rehearse a restore."""
