//! What follows the last whole packet of a recording that is resumed.

use mms_client::{Error, RecordOptions, RecordingError, ResumeRefused, Summary, Target, record};
use mms_proto::Start;

use crate::common::{Clip, Host, PACKET_SIZE, Temporary, patient};

const PACKET: usize = PACKET_SIZE as usize;

fn resume(host: &Host, file: &Temporary, options: &RecordOptions) -> Result<Summary, Error> {
    let session = patient().open(&host.url()).unwrap();
    let mut target = Some(Target::Resume(file.open()));
    let recorded = record(session, options, |_, _| Ok(target.take()), |_| {});
    recorded.map_err(|failed| failed.error)
}

/// The beginning of a recording, without an index, and these bytes.
fn part(whole: &[u8], packets: usize, tail: &[u8]) -> Vec<u8> {
    let header = mms_asf::Header::parse(&whole.to_vec().into()).unwrap();
    let unfinished = mms_asf::Finalizer::new(&header).initial_header();
    [&unfinished, &whole[header.len()..][..packets * PACKET], tail].concat()
}

fn whole(host: &Host, options: &RecordOptions) -> Vec<u8> {
    let file = Temporary::new();
    resume(host, &file, options).unwrap();
    file.bytes()
}

#[test]
fn a_tail_that_is_not_the_servers_is_not_cut_off() {
    let everything = RecordOptions::new();
    let elsewhere = RecordOptions::new().start(Start::packet(3).unwrap());
    for clip in [Clip::new(12), Clip::video(12)] {
        let host = Host::new(clip);
        for (options, count) in [(&everything, 12), (&elsewhere, 9)] {
            let whole = whole(&host, options);
            for packets in [1, 5, count] {
                let tag = [&b"TAG"[..], &[b'x'; 125]].concat();
                for tail in [&tag[..], b"x", b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\0\xAA"] {
                    let before = part(&whole, packets, tail);
                    let file = Temporary::with(&before);
                    let refused = resume(&host, &file, options);
                    let Err(Error::Recording(RecordingError::Resume(reason))) = refused else {
                        panic!("{packets}: {refused:?}");
                    };
                    assert_eq!(reason, ResumeRefused::OtherTail, "{packets}");
                    assert!(file.bytes() == before, "{packets}");
                }
            }
        }
    }
}

#[test]
fn what_a_recording_leaves_is_taken_for_its_own() {
    let options = RecordOptions::new();
    let host = Host::new(Clip::video(12));
    let whole = whole(&host, &options);
    let header = mms_asf::Header::parse(&whole.clone().into()).unwrap().len();
    let next = &whole[header + 5 * PACKET..][..PACKET];
    // A part of the next packet, zeros where a file system had reserved room, a part of an index.
    for (packets, tail) in [
        (5, &next[..1]),
        (5, &next[..PACKET - 1]),
        (5, &[0; 100]),
        (12, &[0; 100]),
        (12, &whole[header + 12 * PACKET..][..7]),
        (12, &whole[header + 12 * PACKET..][..40]),
    ] {
        let file = Temporary::with(&part(&whole, packets, tail));
        resume(&host, &file, &options).unwrap();
        assert!(file.bytes() == whole, "{packets} {}", tail.len());
    }
}
