# What typedtrack calls of s3fs, which ships no types.
