"""What every room may use: errors, records, specs, events, registries, plugins, paths."""

__version__ = "0.1.0"
