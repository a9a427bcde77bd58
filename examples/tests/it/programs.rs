//! All programs as they are run.

mod arguments;
mod json;
mod pipes;
mod run;
mod stopped;
mod swarm;
mod tokio_client;
