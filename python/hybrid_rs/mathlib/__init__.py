"""Elementary functions in the kernel language: one definition, which every engine compiles and so has the same bits.

Each is a plain function of float64 (in the files ``f64_*``) or float32 (``f32_*``) that the frontend lowers like a
helper. `docs/design/009-elementary-functions.md` says how they are made, `docs/mathlib.md` how exact they are.
"""
