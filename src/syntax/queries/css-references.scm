(class_name) @reference
(id_name) @reference
(call_expression (function_name) @reference)
