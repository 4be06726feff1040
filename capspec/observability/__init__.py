"""Events to what people watch: metrics, traces, and exports of them."""
