//! Runs the program as its user would.
