"""What training, comparing and searching give: numbers, tables and figures."""
