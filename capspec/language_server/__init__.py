"""What an editor asks about a capability file, answered over the Language Server Protocol."""
