"""Accounts: users, their roles and tokens, logging in and out."""
