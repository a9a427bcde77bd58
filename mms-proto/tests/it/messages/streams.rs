//! Header and stream selection: MS-MMSP 2.2.4.23, .8, .15, .28, .13.

use mms_proto::mmsp::MmspDeviation;
use mms_proto::mmsp::message::{
    CancelReadBlock, ClientMessage, ReadBlock, ReportReadBlock, ReportStreamSwitch, StreamSwitch,
};
use mms_proto::{Delivery, Deviation, HResult, StreamSelection};

use super::tools::{client, client_reads, reads, server, server_reads, stream};

#[test]
fn read_block() {
    // MMSP-W-049
    let block = |incarnation| ReadBlock { open_file_id: 1, incarnation };
    client(
        "07000000 15000300 01000000 00000000 00000000 00800000 FFFFFFFF 00000000 0000000000000000
         000000000020AC40 08000000 00000000",
        block(8),
    );
    // FFmpeg, libmms and VLC, MPlayer.
    for middle in [
        "00000000 00000000 00008000 FFFFFFFF 00*12 000000000020AC40",
        "00000000 00000000 00800000 FFFFFFFF 00*12 000000000020AC40",
        "00*36",
    ] {
        client_reads(&format!("07000000 15000300 01000000 {middle} 02000000 00*4"), block(2));
    }
}

#[test]
fn report_read_block() {
    // MMSP-W-050
    let report = |hr| ReportReadBlock { hr, incarnation: 8 };
    server("03000000 11000400 00000000 08000000 00000000 00*4", report(HResult::OK));
    server("03000000 11000400 05400080 08000000 00000000 00*4", report(HResult::FAIL));
    server_reads("02000000 11000400 05400080 08000000", report(HResult::FAIL));
}

#[test]
fn cancel_read_block() {
    // MMSP-W-051
    client("02000000 25000300 08000000 00*4", CancelReadBlock { incarnation: 8 });
    client_reads("02000000 25000300 08000000 EE*4", CancelReadBlock { incarnation: 8 });
}

#[test]
fn stream_switch() {
    // MMSP-W-052, MMSP-W-053
    let entries = [
        ("FFFF 0100 0000", StreamSelection::full(stream(1))),
        // Nothing in its place, and none of it: 2.2.4.28 in both readings.
        ("0200 FFFF 0200", StreamSelection::off(stream(2))),
        ("0300 0300 0100", StreamSelection::new(stream(3), Delivery::KeyFramesOnly)),
        ("0400 0500 0000", StreamSelection::replace(stream(4), stream(5))),
        ("FFFF 7F00 0000", StreamSelection::full(stream(127))),
    ];
    // 12 bytes and 6 an entry: 16, 24, 24, 32, 40, 48 bytes with padding.
    for (count, chunks, padding) in
        [(0, 2, 4), (1, 3, 6), (2, 3, 0), (3, 4, 2), (4, 5, 4), (5, 6, 6)]
    {
        let used = &entries[..count];
        let text: Vec<_> = used.iter().map(|(entry, _)| *entry).collect();
        let text = text.join(" ");
        client(
            &format!("0{chunks}000000 33000300 0{count}000000 {text} 00*{padding}"),
            StreamSwitch { selections: used.iter().map(|(_, selection)| *selection).collect() },
        );
    }
}

#[test]
fn stream_switch_of_others() {
    // MMSP-W-052, MMSP-W-053
    let full = |number| StreamSelection::full(stream(number));
    let switch = |selections: &[StreamSelection]| StreamSwitch { selections: selections.to_vec() };
    // The specification's way to say "off".
    client_reads(
        "03000000 33000300 02000000 0100 FFFF 0000 0200 FFFF 0200",
        switch(&[StreamSelection::off(stream(1)), StreamSelection::off(stream(2))]),
    );
    // And the one that every player sends, alone.
    client_reads(
        "03000000 33000300 01000000 FFFF 0200 0200 00*6",
        switch(&[StreamSelection::off(stream(2))]),
    );
    // More announced than there is. Padding may be long enough for an entry; it names no stream.
    for (count, announced) in [("02000000", 2), ("05000000", 5), ("FFFFFFFF", u32::MAX)] {
        reads::<ClientMessage>(
            &format!("03000000 33000300 {count} FFFF 0100 0000 00*6"),
            switch(&[full(1)]),
            &match announced {
                2 => vec![Deviation::FieldValue { field: "STREAM_SWITCH_ENTRY", value: 0 }],
                _ => vec![
                    Deviation::Mmsp(MmspDeviation::MissingEntries { announced, present: 2 }),
                    Deviation::FieldValue { field: "STREAM_SWITCH_ENTRY", value: 0 },
                ],
            },
        );
    }
    // Fewer announced than there is: the rest is padding.
    client_reads("03000000 33000300 01000000 FFFF 0100 0000 FFFF 0200 0000", switch(&[full(1)]));
    // Entries that mean nothing are left out, one by one.
    for (entry, value) in [
        ("FFFF 0100 0300", 0xFFFF_0001_0003),
        ("FFFF FFFF 0000", 0xFFFF_FFFF_0000),
        ("FFFF 8000 0000", 0xFFFF_0080_0000),
        ("FFFF 0000 0000", 0xFFFF_0000_0000),
        ("0001 FFFF 0000", 0x0100_FFFF_0000),
    ] {
        reads::<ClientMessage>(
            &format!("03000000 33000300 02000000 {entry} FFFF 0200 0000"),
            switch(&[full(2)]),
            &[Deviation::FieldValue { field: "STREAM_SWITCH_ENTRY", value }],
        );
    }
}

#[test]
fn report_stream_switch() {
    // MMSP-W-054
    server("02000000 21000400 00000000 00*4", ReportStreamSwitch { hr: HResult::OK });
    server("02000000 21000400 33000DC0 00*4", ReportStreamSwitch { hr: HResult::NO_STREAM });
    server_reads("03000000 21000400 00000000 EE*12", ReportStreamSwitch { hr: HResult::OK });
}
