(pair value: (string (string_content) @reference))
