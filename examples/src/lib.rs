//! What the programs do, where tests can call it: [`record`], [`serve`] and [`inspect`].

pub mod inspect;
pub mod record;
pub mod serve;
