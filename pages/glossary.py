"""Glossary: the field's terms in one or two plain sentences each."""

from lrdash.ui import shell
from lrdash.ui.glossary import page

with shell.page("Glossary"):
    page.body()
