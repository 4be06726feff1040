"""Steps: each module is one kind of step of a flow."""
