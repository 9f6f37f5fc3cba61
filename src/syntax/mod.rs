//! Programming languages: which file is written in which, whether it parses, what it defines.
