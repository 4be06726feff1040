"""Files that others wrote to what becomes of them: loaded, asked for everything that they offer, and watched.

Nothing is called but an upstream in memory, which remembers what it was sent.
"""
