//! Prentice: a coding bot for CI pipelines whose word counts for nothing and whose evidence counts for everything.
//!
//! Data flows one way, Task -> Context -> Proposal -> Evidence -> Publication; ARCHITECTURE.md is the map.

pub mod bundle;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod edit;
pub mod forge;
pub mod index;
#[cfg(feature = "embedded")]
pub mod inference;
pub mod init;
pub mod journal;
pub mod llm;
pub mod pipeline;
pub mod policy;
pub mod prompt;
pub mod propose;
pub mod publish;
pub mod repo;
pub mod respond;
pub mod sandbox;
pub mod secret;
pub mod syntax;
pub mod task;
pub mod tokens;
pub mod verify;
pub mod yaml;
