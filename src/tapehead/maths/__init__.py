"""One equation, one function: what the machines compute, on plain tensors."""
