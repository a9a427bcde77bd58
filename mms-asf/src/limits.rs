//! How much a file may ask for.

/// Bounds that are checked before memory is reserved. Start from [`Limits::default`] and change
/// single fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest header in bytes, the 50 bytes of the Data Object included. Default 16 MiB: cover
    /// pictures make headers of several MiB.
    pub header_bytes: u64,
    /// Most objects in a header, all levels together, and most behind the data. Default 4096.
    pub objects: u32,
    /// Largest packet size in bytes. Default 1 MiB.
    pub packet_size: u32,
    /// Most entries of the indexes that are made for a file, all columns together; an index that
    /// would have more ends earlier. Default 4,194,304: one video stream of 48 days.
    pub index_entries: u32,
    /// How far behind the end that a header declares the Data Object is looked for, in bytes.
    /// Default 256 KiB: programs that edit metadata in place leave the old bytes there.
    pub search_bytes: u64,
    /// Most headers in a row without a packet between them. Default 16.
    pub headers: u32,
    /// Most bytes of all objects behind the data of a file that are kept; a
    /// [`StreamParser`](crate::StreamParser) passes over a single one that is larger. Default 64
    /// MiB: a Simple Index needs 6 bytes a second.
    pub index_bytes: u64,
    /// Most packets that are read to find the key frame for a time. Default 65,536.
    pub search_packets: u32,
    /// Largest media object that is put together of fragments, or cut into them, in bytes. Default
    /// 64 MiB.
    pub object_bytes: u64,
    /// Most bytes in the unfinished media objects of all streams together. Default 128 MiB.
    pub open_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 << 20,
            objects: 4096,
            packet_size: 1 << 20,
            index_entries: 1 << 22,
            search_bytes: 256 << 10,
            headers: 16,
            index_bytes: 64 << 20,
            search_packets: 1 << 16,
            object_bytes: 64 << 20,
            open_bytes: 128 << 20,
        }
    }
}
