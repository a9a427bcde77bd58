//! What tests share.

pub(crate) mod cargo;
pub(crate) mod cutter;
pub(crate) mod damage;
pub(crate) mod fed;
pub(crate) mod film;
pub(crate) mod folder;
pub(crate) mod inspected;
#[cfg(unix)]
pub(crate) mod media;
pub(crate) mod origin;
pub(crate) mod peers;
pub(crate) mod pipe;
pub(crate) mod player;
#[cfg(unix)]
pub(crate) mod players;
pub(crate) mod probe;
pub(crate) mod program;
pub(crate) mod samples;
pub(crate) mod scratch;
pub(crate) mod served;
#[cfg(unix)]
pub(crate) mod tap;
#[cfg(unix)]
pub(crate) mod troublemakers;
pub(crate) mod tshark;
#[cfg(unix)]
pub(crate) mod wait;
