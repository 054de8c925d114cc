"""Measurements of the runtime, made through its public interface alone.

Nothing here is imported by ``import hybrid_rs``. How the figures come about is told in docs/design/005-measurement.md.

stats → timing → table, oracle → paths, sweep, lite, scaling, tiny → accept, fit, gap
"""
