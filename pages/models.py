"""Models: an own architecture, layer by layer."""

from lrdash.ui import layer_editor, shell

shell.page("Models", layer_editor.body)
