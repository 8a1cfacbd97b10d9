"""One equation, one function: what the models compute, on plain tensors."""
