"""Runs that something else trains: watched as they happen or imported from files."""
