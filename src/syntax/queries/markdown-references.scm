(link_destination) @reference
