"""Specs in, complete and checked plans out; nothing here trains, stores or draws."""
