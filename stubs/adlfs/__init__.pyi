# What typedtrack calls of adlfs, which ships no types.
