//! Files that were cut, and the packet at which a recording goes on.

use mms_asf::Continuity;
use mms_asf::testing::{self, TestStream};

use super::*;

fn unfinished(packets: u32) -> (Header, Vec<u8>) {
    let header = testing::header(100, 9, &[TestStream::Audio(1)]);
    let header = Header::parse(&header).unwrap();
    let mut bytes = mms_asf::Finalizer::new(&header).initial_header().to_vec();
    (0..packets).for_each(|n| bytes.extend_from_slice(&testing::packet(n, 100, b"x")));
    (header, bytes)
}

#[test]
fn a_torn_file_is_cut_to_whole_packets() {
    let (header, mut bytes) = unfinished(4);
    let whole = bytes.len() as u64;
    bytes.extend_from_slice(&[1; 99]);
    let path = std::env::temp_dir().join(format!("mms-client-torn-{}", std::process::id()));
    std::fs::write(&path, &bytes).unwrap();
    let mut file = File::options().read(true).write(true).open(&path).unwrap();
    let finalizer = rescan(&mut file, &header).unwrap();
    assert_eq!((finalizer.packets(), finalizer.data_end()), (4, whole));
    assert_eq!(file.metadata().unwrap().len(), whole);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn the_beginning_of_a_header_is_recognised() {
    let (header, bytes) = unfinished(0);
    for length in 0..bytes.len() {
        assert!(begins_like(bytes[..length].to_vec(), &header), "{length}");
        assert!(begins_like(header.as_bytes()[..length].to_vec(), &header), "{length}");
    }
    let mut other = bytes[..20].to_vec();
    other[3] ^= 1;
    assert!(!begins_like(other, &header));
}

#[test]
fn the_last_packet_is_looked_for_until_its_time_has_passed() {
    let packet = |n: u32| testing::packet(n, 100, b"x");
    let (header, _) = unfinished(0);
    let mut catch_up = CatchUp {
        packets: 5,
        first: packet(0),
        last: packet(4),
        sent: Some(4_000),
        continuity: Continuity::new(&header),
        base: 0,
        expected: 4,
        tail: Bytes::new(),
        whole: false,
        found: None,
    };
    assert_eq!(catch_up.is_last(3, &packet(3)), Ok(false));
    assert_eq!(catch_up.is_last(3, &packet(4)), Ok(false), "its number is too low");
    assert_eq!(catch_up.is_last(4, &packet(4)), Ok(true));
    assert_eq!(catch_up.is_last(7, &packet(4)), Ok(true), "the server left packets out");
    let mut other = packet(4).to_vec();
    other[50] ^= 1;
    assert_eq!(catch_up.is_last(4, &other), Ok(false));
    assert_eq!(catch_up.is_last(5, &packet(5)), Err(ResumeRefused::OtherPackets));
    // What cannot be read has no time; then the number decides.
    assert_eq!(catch_up.is_last(4, &[0xFF; 100]), Ok(false));
    assert_eq!(catch_up.is_last(5, &[0xFF; 100]), Err(ResumeRefused::OtherPackets));
}
