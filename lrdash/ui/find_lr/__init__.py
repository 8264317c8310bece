"""Find LR: range tests, their suggestion, and the sweep that checks it."""
