(rule_set (selectors) @name) @section
(keyframes_statement (keyframes_name) @name) @section
(media_statement "@media" @name) @section
