"""Bots to begin with, as files."""
