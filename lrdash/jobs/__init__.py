"""Training in progress: sessions, worker processes, and the laboratory that supervises them."""
