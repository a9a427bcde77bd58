//! Real players fetch from the server.

mod decode;
mod fetch;
mod live;
mod playlist;
mod seek;
mod streams;
