"""Inside the callback: a rule at work, epoch by epoch."""
