"""The demonstration: a sample shop, its production data and the play that shows them."""
