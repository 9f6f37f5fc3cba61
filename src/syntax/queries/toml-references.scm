(pair (string) @reference)
