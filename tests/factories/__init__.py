"""Builders for the tests: files, specs, rows, runs, frames, pages."""
