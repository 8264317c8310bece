"""Glossary: the terms of the field, searchable."""
