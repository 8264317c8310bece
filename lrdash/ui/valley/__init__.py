"""Valley: strategies on surfaces that can be seen."""
