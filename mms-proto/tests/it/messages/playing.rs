//! Playing, ending, keep-alive: MS-MMSP 2.2.4.25 to .27, .10, .11, .5, .12, .1, .22, .16.

use mms_proto::MessageKind;
use std::time::Duration;

use mms_proto::mmsp::message::{
    ClientMessage, CloseFile, MessageId, Ping, Pong, ReportEndOfStream, ReportStartStriding,
    ReportStartedPlaying, ReportStreamChange, ServerMessage, StartPlaying, StartStriding,
    StopPlaying,
};
use mms_proto::{Accel, Deviation, HResult, Rate, Start, Stop};

use super::tools::{
    Message as _, bytes, client, client_reads, hex, position, reads, seconds, server, server_reads,
};

pub(crate) fn playing(start: Start, stop: Option<Stop>) -> StartPlaying {
    StartPlaying { open_file_id: 1, start, stop, incarnation: 9, accel: None }
}

const DBL_MAX: &str = "FFFFFFFFFFFFEF7F";

#[test]
fn start_playing() {
    // MMSP-W-055
    let head = "05000000 07000300 01000000 00000000";
    let at = |start| playing(start, None);
    client(&format!("{head} 00*8 FF*4 FF*4 00*4 09000000"), at(Start::Beginning));
    client(
        &format!("{head} 0000000000000440 FF*4 FF*4 00*4 09000000"), // 2.5
        at(Start::Time(seconds(2.5))),
    );
    client(&format!("{head} {DBL_MAX} 30750000 FF*4 00*4 09000000"), at(Start::ByteOffset(30_000)));
    client(
        &format!("{head} {DBL_MAX} FF*4 07000000 00*4 09000000"),
        at(Start::Packet(position(7))),
    );
    // Stop at 5 seconds of the content, or 5 seconds after the start.
    let five = Duration::from_secs(5);
    client(
        &format!("{head} 00*8 FF*4 FF*4 88130000 09000000"),
        playing(Start::Beginning, Stop::at(five)),
    );
    client(
        &format!("{head} 00*8 FF*4 FF*4 88130080 09000000"),
        playing(Start::Beginning, Stop::after(five)),
    );
    // The first packet and the first byte are the beginning: zero means "not used".
    for start in [Start::Packet(position(0)), Start::ByteOffset(0)] {
        let message: ClientMessage = at(start).into();
        assert_eq!(message.write(), bytes(&format!("{head} 00*8 FF*4 FF*4 00*4 09000000")));
    }
}

#[test]
fn start_playing_of_players() {
    // MMSP-W-055
    // 0x0001FFFF in the padding, 0x00FFFFFF for "no limit", zeros for "not used", a time of 0
    // beside a packet number.
    let head = "05000000 07000300 01000000 FFFF0100";
    for (fields, start) in [
        ("00*8 FF*4 FF*4 FFFFFF00", Start::Beginning),
        ("00*8 FF*4 FF*4 00000000", Start::Beginning),
        ("00*8 00*4 00*4 FFFFFFFF", Start::Beginning),
        ("00*8 FF*4 09000000 FFFFFF00", Start::Packet(position(9))),
        ("00*8 30750000 00*4 FFFFFF00", Start::ByteOffset(30_000)),
        ("00*8 30750000 09000000 FFFFFF00", Start::Packet(position(9))),
        ("0000000000000440 30750000 09000000 00*4", Start::Time(seconds(2.5))),
        ("FFFFFFFFFFFFEF7F FF*4 FF*4 00*4", Start::Beginning),
        ("0000000000000080 FF*4 09000000 00*4", Start::Packet(position(9))), // minus zero
    ] {
        client_reads(&format!("{head} {fields} 09000000"), playing(start, None));
    }
}

#[test]
fn start_playing_with_a_bad_position() {
    // MMSP-W-074
    for (double, value) in [
        ("000000000000F87F", 0x7FF8_0000_0000_0000), // not a number
        ("000000000000F07F", 0x7FF0_0000_0000_0000), // infinite
        ("000000000000F0BF", 0xBFF0_0000_0000_0000), // minus one
        ("000000000000F043", 0x43F0_0000_0000_0000), // 2^64
    ] {
        let deviation = [Deviation::FieldValue { field: "position", value }];
        for (location, start) in
            [("FF*4", Start::Beginning), ("07000000", Start::Packet(position(7)))]
        {
            let fields = format!("01000000 00*4 {double} FF*4 {location} 00*4 09000000");
            reads::<ClientMessage>(
                &format!("05000000 07000300 {fields}"),
                playing(start, None),
                &deviation,
            );
            reads::<ClientMessage>(
                &format!("06000000 28000300 {fields} 000000000000F03F"),
                StartStriding { open_file_id: 1, start, incarnation: 9, rate: Rate::NORMAL },
                &deviation,
            );
        }
    }
}

#[test]
fn times_that_no_reader_takes_are_not_written() {
    // MMSP-W-074
    // 2^64 seconds would be the nearest double.
    let message: ClientMessage = playing(Start::Time(Duration::MAX), None).into();
    let expected = "05000000 07000300 01000000 00*4 FFFFFFFFFFFFEF43 FF*4 FF*4 00*4 09000000";
    assert_eq!(hex(&message.write()), hex(&bytes(expected)));
}

#[test]
fn start_playing_faster_than_real_time() {
    // MMSP-W-056
    let fields = "07000300 01000000 00000000 00*8 FF*4 FF*4 00*4 09000000";
    let with = |link_bandwidth| StartPlaying {
        accel: Some(Accel::new(0x000F_4240, 5000).with_link_bandwidth(link_bandwidth)),
        ..playing(Start::Beginning, None)
    };
    // 48 bytes with two fields, 52 and padding with three.
    client(&format!("06000000 {fields} 40420F00 88130000"), with(None));
    client(&format!("07000000 {fields} 40420F00 88130000 80841E00 00*4"), with(Some(2_000_000)));
    client_reads(
        &format!("08000000 {fields} 40420F00 88130000 80841E00 EE*12"),
        with(Some(2_000_000)),
    );
    // A message cut after the first of them, in a frame without padding.
    client_reads(&format!("06000000 {fields} 40420F00"), playing(Start::Beginning, None));
}

#[test]
fn report_started_playing() {
    // MMSP-W-057
    let report = |hr| ReportStartedPlaying { hr, incarnation: 9, open_file_id: 1 };
    server("05000000 05000400 00000000 09000000 01000000 00000000 00*12 00*4", report(HResult::OK));
    server(
        "05000000 05000400 2B000DC0 09000000 01000000 00000000 00*12 00*4",
        report(HResult::INVALID_REQUEST),
    );
    server_reads(
        "05000000 05000400 00000000 09000000 01000000 00000040 00*12 CD*4",
        report(HResult::OK),
    );
    reads::<ServerMessage>(
        "02000000 05000400 2B000DC0 09000000",
        ReportStartedPlaying { open_file_id: 0, ..report(HResult::INVALID_REQUEST) },
        &[Deviation::ShortMessage(MessageKind::Mmsp(MessageId::REPORT_STARTED_PLAYING))],
    );
}

#[test]
fn start_striding() {
    // MMSP-W-058
    let stride = |rate, start| StartStriding {
        open_file_id: 1,
        start,
        incarnation: 10,
        rate: Rate::new(rate).unwrap(),
    };
    client(
        "06000000 28000300 01000000 00000000 0000000000000440 FF*4 FF*4 00000000 0A000000
         00000000000014C0",
        stride(-5.0, Start::Time(seconds(2.5))),
    );
    client(
        &format!(
            "06000000 28000300 01000000 00000000 {DBL_MAX} FF*4 07000000 00000000 0A000000
             0000000000000840"
        ),
        stride(3.0, Start::Packet(position(7))),
    );
    client_reads(
        "07000000 28000300 01000000 CDCDCDCD 00*8 00*4 00*4 CDCDCDCD 0A000000 000000000000E03F
         CD*8",
        stride(0.5, Start::Beginning),
    );
}

#[test]
fn report_start_striding() {
    // MMSP-W-059
    let report = |hr| ReportStartStriding { hr, incarnation: 10 };
    server("03000000 0A000400 00000000 0A000000 00000000 00*4", report(HResult::OK));
    server("03000000 0A000400 45000DC0 0A000000 00000000 00*4", report(HResult::STRIDE_REFUSED));
    server_reads("02000000 0A000400 45000DC0 0A000000", report(HResult::STRIDE_REFUSED));
}

#[test]
fn stop_playing() {
    // MMSP-W-060
    let stop = |incarnation| StopPlaying { open_file_id: 1, incarnation };
    client("02000000 09000300 01000000 09000000", stop(9));
    client("02000000 09000300 01000000 FFFF1F00", stop(0x001F_FFFF));
}

#[test]
fn report_end_of_stream() {
    // MMSP-W-061
    let end = |hr| ReportEndOfStream { hr, incarnation: 9 };
    server("02000000 1E000400 00000000 09000000", end(HResult::OK));
    server("02000000 1E000400 01000000 09000000", end(HResult::FALSE));
    server("02000000 1E000400 2A000DC0 09000000", end(HResult::SHUTDOWN));
}

#[test]
fn report_stream_change() {
    // MMSP-W-062
    let change = ReportStreamChange {
        hr: HResult::OK,
        packet_size: 0x0C80,
        header_size: 0x1234,
        bit_rate: 64_000,
    };
    server("04000000 20000400 00000000 FF000000 800C0000 34120000 00FA0000 00000000", change);
    server_reads("04000000 20000400 00000000 CD*4 800C0000 34120000 00FA0000 CD*4", change);
}

#[test]
fn ping_and_pong() {
    // MMSP-W-063, MMSP-W-064
    server("02000000 1B000400 00000000 00000000", Ping);
    client("02000000 1B000300 00000000 00000000", Pong);
    // FFmpeg's parameters, and random ones.
    client_reads("02000000 1B000300 01000000 FFFF0001", Pong);
    server_reads("02000000 1B000400 DEADBEEF 0BADF00D", Ping);
    server_reads("03000000 1B000400 EE*16", Ping);
    let short = |id| [Deviation::ShortMessage(MessageKind::Mmsp(id))];
    reads::<ServerMessage>("01000000 1B000400", Ping, &short(MessageId::PING));
    reads::<ClientMessage>("01000000 1B000300", Pong, &short(MessageId::PONG));
}

#[test]
fn close_file() {
    // MMSP-W-065
    client("02000000 0D000300 00000000 01000000", CloseFile { open_file_id: 1 });
    // FFmpeg and VLC write 1 into both.
    client_reads("02000000 0D000300 01000000 01000000", CloseFile { open_file_id: 1 });
}
