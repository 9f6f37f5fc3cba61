(attribute (attribute_name) @_class (quoted_attribute_value (attribute_value) @reference)
  (#any-of? @_class "class" "for" "href" "src"))
