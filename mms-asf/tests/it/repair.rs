//! Repair: whatever goes in, what comes out is whole, and stays as it is.

mod clocks;
mod cuts;
mod damage;
mod harness;
mod headers;
mod indexes;
mod live;
mod packet_sizes;
mod payloads;
mod samples;
mod sizes;
mod stored;
