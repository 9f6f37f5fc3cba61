(trait_definition name: (identifier) @name) @interface
(enum_definition name: (identifier) @name) @enum
(class_definition name: (identifier) @name) @class
(object_definition name: (identifier) @name) @class
(package_object name: (identifier) @name) @module
(type_definition name: (type_identifier) @name) @type
(function_definition name: (identifier) @name) @function
(function_declaration name: (identifier) @name) @function
(given_definition name: (identifier) @name) @constant
(template_body (val_definition pattern: (identifier) @name) @constant)
(compilation_unit (val_definition pattern: (identifier) @name) @constant)
