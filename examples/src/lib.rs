//! What the programs do, where tests can call it: [`record`], [`serve`], [`inspect`] and
//! [`filter`].

pub mod filter;
pub mod inspect;
pub mod record;
pub mod serve;
