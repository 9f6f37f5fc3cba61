(method name: [(identifier) (constant) (setter) (operator)] @name) @method
(singleton_method name: [(identifier) (constant) (setter) (operator)] @name) @method
(class name: [(constant) (scope_resolution)] @name) @class
(module name: [(constant) (scope_resolution)] @name) @module
(assignment left: (constant) @name) @constant
