"""Engines to running servers: sockets, mounts, hosts, signals, and a clean end."""
