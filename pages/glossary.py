"""Glossary: the field's terms in one or two plain sentences each."""

from lrdash.ui import glossary, shell

shell.page("Glossary", glossary.body)
