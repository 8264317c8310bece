"""What makes plans happen: worker processes and the laboratory that supervises them."""
