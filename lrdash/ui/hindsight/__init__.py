"""Hindsight: the best schedule, seen afterwards."""
