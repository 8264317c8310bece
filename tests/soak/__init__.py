"""Long tests under load: many viewers, killed workers, many writers. `make soak` runs them."""
