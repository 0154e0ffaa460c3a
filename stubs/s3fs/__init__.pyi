# The calls of s3fs that typedtrack makes; s3fs ships no types.
