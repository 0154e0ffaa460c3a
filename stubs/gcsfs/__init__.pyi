# What typedtrack calls of gcsfs, which ships no types.
