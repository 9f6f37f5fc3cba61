//! Holds the modules to the arrows of ARCHITECTURE.md.
