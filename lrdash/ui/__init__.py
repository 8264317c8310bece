"""What the pages are made of: shell, form, live view, tables. Training lives elsewhere."""
