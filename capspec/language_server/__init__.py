"""What an editor asks about a capability file that is being written, answered over the Language Server Protocol."""
