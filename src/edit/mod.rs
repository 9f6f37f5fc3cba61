//! From the text of an answer to a changed tree: parse, locate, apply, guard.
