"""Models: an own architecture, layer by layer."""

from lrdash.ui import shell
from lrdash.ui.models import page

with shell.page("Models"):
    page.body()
