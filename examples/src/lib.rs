//! What the programs do, where tests can call it: [`record`], [`serve`], [`inspect`], [`repair`],
//! [`filter`] and [`swarm`].

pub mod arguments;
mod draft;
pub mod files;
pub mod filter;
pub mod inspect;
pub mod outcome;
pub mod record;
pub mod repair;
pub mod serve;
mod source;
pub mod standard;
pub mod swarm;
pub mod text;
pub mod time;
mod waiting;
