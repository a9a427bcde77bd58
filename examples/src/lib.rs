//! What the programs do, where tests can call it: [`record`], [`serve`], [`inspect`], [`repair`] and
//! [`filter`].

pub mod filter;
pub mod inspect;
pub mod record;
pub mod repair;
pub mod serve;
