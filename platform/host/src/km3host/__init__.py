"""What runs on a machine with the KM3NeT platform: backups, checks, a visit, image transfer."""
