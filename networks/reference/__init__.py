"""Reference memories: classical associative memories, to lay beside the spiking models."""
