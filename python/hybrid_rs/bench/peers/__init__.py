"""hybrid_rs beside its peers on common work: each peer in a process of its own, in rounds with ours.

`compare` runs them; `kernels` has our side, `work` the inputs, and a module for each peer its side.
"""
