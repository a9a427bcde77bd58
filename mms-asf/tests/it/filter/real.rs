//! Real files, whole and without some of their streams.

use std::io::{Cursor, Read as _, Seek as _};

use mms_asf::{Error, FileError, Rebase, RepairOptions, repair};

use crate::filter::{filtered, is_whole, payloads, present};
use crate::support::{Reader, each_file};

/// All bytes of the file.
fn whole(reader: Reader) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = reader.into_inner();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_real_file_of_which_all_is_kept_is_repaired_only() {
    let mut equal = 0;
    each_file(|name, reader| {
        let all: Vec<u8> = reader.header().stream_numbers().collect();
        let file = whole(reader);
        let mut out = Cursor::new(Vec::new());
        let mut options = RepairOptions::default();
        options.rebase = Rebase::None;
        let repaired = repair(file.as_slice(), &mut out, &options);
        match (repaired, filtered(&file, &all)) {
            (Ok(repaired), Ok((report, made))) => {
                assert!(made == *out.get_ref(), "{name}");
                assert_eq!(report.removed, [], "{name}");
                if repaired.changes.is_empty() {
                    assert!(made == file, "{name}");
                    equal += 1;
                }
                assert_eq!(report.file, repaired, "{name}");
            }
            (Err(_), Err(FileError::NoPackets)) => {}
            (repaired, filtered) => panic!("{name}: {repaired:?}, {filtered:?}"),
        }
    });
    assert!(std::env::var_os("MMS_SAMPLES").is_none() || equal > 20, "{equal} are whole");
}

#[test]
fn each_stream_of_a_real_file_stays_as_it_is() {
    let mut done = 0;
    each_file(|name, reader| {
        let all: Vec<u8> = reader.header().stream_numbers().collect();
        let packets = reader.packet_count();
        let file = whole(reader);
        if all.len() < 2 {
            return;
        }
        // Of a last packet that was cut, the whole payloads are kept.
        let mut filled = Cursor::new(Vec::new());
        let mut options = RepairOptions::default();
        options.rebase = Rebase::None;
        let filled = match repair(file.as_slice(), &mut filled, &options) {
            Ok(_) => filled.into_inner(),
            Err(_) => file.clone(),
        };
        for &number in &all {
            let others: Vec<u8> = all.iter().copied().filter(|&other| other != number).collect();
            for keep in [vec![number], others] {
                match filtered(&file, &keep) {
                    Ok((report, made)) => {
                        assert!(
                            payloads(&made, &keep) == payloads(&filled, &keep),
                            "{name} {keep:?}"
                        );
                        assert!(present(&made).iter().all(|number| keep.contains(number)));
                        assert_eq!(report.unreadable_packets, 0, "{name}");
                        is_whole(&made, report.file.packets);
                        done += 1;
                    }
                    Err(FileError::NoPackets) if packets == 0 => {}
                    Err(FileError::Format(Error::NothingKept)) => {
                        assert!(payloads(&file, &keep).is_empty(), "{name} {keep:?}");
                    }
                    Err(error) => panic!("{name} {keep:?}: {error}"),
                }
            }
        }
    });
    assert!(std::env::var_os("MMS_SAMPLES").is_none() || done > 40, "{done} files were made");
}
