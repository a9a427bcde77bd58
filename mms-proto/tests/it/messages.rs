//! Known answers: the bytes of every message, written by hand from the tables of MS-MMSP 2.2.

mod cut;
mod file;
mod logging;
mod playing;
mod prefix;
mod recorded;
mod refused;
mod session;
mod streams;
mod tools;
