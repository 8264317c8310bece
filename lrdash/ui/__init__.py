"""What the pages are made of: shell, form, live view, tables. Streamlit lives here, training does not."""
