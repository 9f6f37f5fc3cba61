(document (object (pair key: (string (string_content) @name)) @section))
(document (object (pair value: (object (pair key: (string (string_content) @name)) @section))))
