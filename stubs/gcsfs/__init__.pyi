# The calls of gcsfs that typedtrack makes; gcsfs ships no types.
