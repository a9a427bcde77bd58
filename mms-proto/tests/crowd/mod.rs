//! Players, an application and the rules between them, all on a simulated clock.
//!
//! [`session`] is one session: a machine, its [`player`], its application, the [`studio`], and the
//! [`rules`] that everything that comes out of the machine is held against.

pub(crate) mod player;
pub(crate) mod random;
pub(crate) mod rules;
pub(crate) mod seen;
pub(crate) mod session;
pub(crate) mod studio;
