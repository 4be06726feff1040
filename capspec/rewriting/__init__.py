"""A file to the same file written otherwise: formatted, in another dialect, or with what is wrong put right."""
