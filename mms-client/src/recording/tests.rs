//! What recordings of a few packets write, and when.

use std::sync::{Arc, Mutex};

use mms_asf::testing::{TestStream, header, packet};
use mms_proto::Content;

use super::*;

/// What was written, also after the recording has taken the sink.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn packets_do_not_wait_longer_than_a_second_for_others() {
    let header = header(200, 0, &[TestStream::Audio(1)]);
    let content = Content::new(header.clone()).unwrap().with_packet_size(200).unwrap();
    let paper = Paper::default();
    let mut recording = Recording::to_stream(paper.clone(), &Entry::new(content)).unwrap();
    let mut add = |number: u32, written_at: Instant| {
        recording.written_at = written_at;
        let packet = packet(number, 200, b"media");
        let parsed = Packet::parse(&packet, 200).ok();
        let kept = recording.add(number, &packet, parsed.as_ref(), None);
        assert_eq!(kept.unwrap(), Kept::Written);
        recording.written_at
    };
    let now = Instant::now();
    let later = now + Duration::from_secs(3600);
    add(0, later);
    add(1, later);
    assert_eq!(paper.len(), header.len(), "they wait for others");
    let written_at = add(2, now.checked_sub(PATIENCE).unwrap());
    assert_eq!(paper.len(), header.len() + 3 * 200);
    assert!(written_at >= now, "the second begins again");
    add(3, later);
    assert_eq!(paper.len(), header.len() + 3 * 200);
}

#[test]
fn packets_that_cannot_be_sent_are_not_recorded() {
    for (size, fits) in [(65_527, true), (65_528, false), (1 << 20, false)] {
        let content = Content::new(header(size, 0, &[TestStream::Audio(1)]))
            .unwrap()
            .with_packet_size(1000)
            .unwrap();
        let recording = Recording::to_stream(io::sink(), &Entry::new(content));
        assert_eq!(recording.is_ok(), fits, "{size}");
    }
}
