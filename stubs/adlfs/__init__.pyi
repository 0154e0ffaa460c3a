# The calls of adlfs that typedtrack makes; adlfs ships no types.
