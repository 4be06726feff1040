"""What objects of the language there are: their keys, what stands below each, and which dialect has which."""
