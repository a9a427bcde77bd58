//! A client session against a scripted server: docs/conformance.md names the requirements.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers are tests too.

#[cfg(test)]
mod close;
#[cfg(test)]
mod connect;
#[cfg(test)]
mod crossing;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod header;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod open;
#[cfg(test)]
mod packets;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod play;
#[cfg(test)]
mod playlist;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod timers;
#[cfg(test)]
mod useless;
