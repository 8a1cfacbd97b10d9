"""What the Triton kernels of every model share: `parts` runs on the GPU, `launch` and `recurrence` prepare it."""
