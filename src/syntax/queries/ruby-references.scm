(call method: (identifier) @reference)
(constant) @reference
