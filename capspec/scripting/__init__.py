"""Scripts of `script` steps: who may run them, and the sandboxes that they run in."""
