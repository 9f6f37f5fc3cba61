(call_expression . (identifier) @reference)
(call_expression . (navigation_expression (identifier) @reference .))
(user_type (identifier) @reference)
(import (qualified_identifier (identifier) @reference .))
