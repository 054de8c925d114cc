"""The typed, structured intermediate representation of kernels."""
