"""A small model of our own that finds names, addresses and places: trained here, light to run."""
