//! Sessions of real players, recorded on the wire: what they sent is fed to our server.
//!
//! Set `MMS_SAMPLES` to the folder of samples; without it there is nothing to test.

use std::path::PathBuf;

use crate::pair::script::{Got, Script};
use bytes::Bytes;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{MessageId, ServerMessage};
use mms_proto::{Content, Features, Machine as _, ServerEvent, Start};

/// The folder of transcripts, if there is one.
fn samples() -> Option<PathBuf> {
    mms_tests::samples().map(|folder| folder.join("transcripts"))
}

/// The file that was served.
#[derive(Clone)]
struct File {
    content: Content,
    packets: Vec<Bytes>,
}

impl File {
    /// A minimal look at an ASF file: the Header Object's size, and packets of the size that the
    /// number of them leaves.
    fn read() -> Self {
        let bytes = Bytes::from(std::fs::read(samples().unwrap().join("tiny.wma")).unwrap());
        let size = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
        let header_end = usize::try_from(size).unwrap() + 50;
        let count = u64::from_le_bytes(bytes[header_end - 10..header_end - 2].try_into().unwrap());
        let size = (bytes.len() - header_end) / usize::try_from(count).unwrap();
        let content = Content::new(bytes.slice(..header_end))
            .unwrap()
            .with_packet_size(u32::try_from(size).unwrap())
            .unwrap()
            .with_packet_count(count)
            .with_features(Features::SEEKABLE);
        let packets = bytes.slice(header_end..);
        let packets = (0..14).map(|n| packets.slice(n * size..(n + 1) * size)).collect();
        Self { content, packets }
    }
}

/// A recorded session: the client's packets, and the answers that it waited for before each.
struct Recorded {
    name: &'static str,
    packets: Vec<Bytes>,
    /// Command number of each packet's message.
    ids: Vec<u16>,
}

impl Recorded {
    fn read(name: &'static str) -> Self {
        let bytes = std::fs::read(samples().unwrap().join(name).join("c2s.bin")).unwrap();
        let mut rest = Bytes::from(bytes);
        let (mut packets, mut ids) = (Vec::new(), Vec::new());
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[8..12].try_into().unwrap());
            let packet = rest.split_to(length as usize + 16);
            ids.push(u16::from_le_bytes(packet[36..38].try_into().unwrap()));
            packets.push(packet);
        }
        Self { name, packets, ids }
    }
}

const NAMES: [&str; 6] = [
    "ffmpeg_mmst",
    "ffmpeg_mmst_ping",
    "libmms_mmst",
    "libmms_mmst_seek",
    "mplayer_mmst",
    "vlc_mmst",
];

/// What the server answered to one packet of the client, in order.
type Answers = Vec<(u16, Vec<String>)>;

/// Plays the recorded client against our server; `cut` cuts each of its packets into pieces.
fn session(
    file: &File,
    recorded: &Recorded,
    mut cut: impl FnMut(usize) -> Vec<usize>,
) -> (Answers, Script) {
    let mut script = Script::new(ServerConfig::default());
    let mut answers = Vec::new();
    let mut next = 0;
    let mut place = 0;
    for (index, (id, packet)) in recorded.ids.iter().zip(&recorded.packets).enumerate() {
        let mut got = Vec::new();
        let mut from = 0;
        let mut ends: Vec<usize> = cut(place);
        ends.retain(|&end| end > 0 && end < packet.len());
        ends.push(packet.len());
        for end in ends {
            got.extend(script.feed(&packet[from..end]));
            from = end;
        }
        place += packet.len();
        // libmms asks for another position before it has read the first packet.
        let seeks = recorded.ids.get(index + 1) == Some(&7) && *id == 7;
        let log = serve(file, &mut script, got, &mut next, seeks);
        answers.push((*id, log));
    }
    (answers, script)
}

/// The server's application: everything until it waits, as text.
fn serve(
    file: &File,
    script: &mut Script,
    mut got: Vec<Got>,
    next: &mut usize,
    seeks: bool,
) -> Vec<String> {
    let mut log = Vec::new();
    loop {
        let mut again = Vec::new();
        for got in got {
            match got {
                Got::Event(ServerEvent::Open(request)) => {
                    log.push(format!("Open {}", request.path));
                    script
                        .give(|server, now| server.accept(now, request, file.content.clone()))
                        .unwrap();
                    again.extend(script.poll());
                }
                Got::Event(ServerEvent::Play(request)) => {
                    *next = match request.start {
                        Start::Packet(number) => number.get() as usize,
                        Start::Beginning => 0,
                        other => panic!("{other:?}"),
                    };
                    log.push(format!("Play {:?} {:?}", request.start, request.stop));
                }
                Got::Event(ServerEvent::PacketWanted { .. }) if seeks => {}
                Got::Event(ServerEvent::PacketWanted { .. }) => {
                    match file.packets.get(*next) {
                        Some(packet) => {
                            let number = u32::try_from(*next).unwrap();
                            let packet = packet.clone();
                            script
                                .give(|server, now| server.send_packet(now, number, packet))
                                .unwrap();
                            *next += 1;
                        }
                        None => script.give(|server, now| server.end_of_stream(now)).unwrap(),
                    }
                    again.extend(script.poll());
                }
                Got::Event(event) => log.push(format!("{event:?}")),
                Got::Message(message) => log.push(answer(&message)),
                Got::Data(packet) => {
                    let media = file.packets.get(packet.location_id as usize);
                    let what = if packet.payload == file.content.header() {
                        "header".to_owned()
                    } else if media.is_none() {
                        // For FFmpeg (T45).
                        format!("past the last, {} bytes,", packet.payload.len())
                    } else {
                        assert_eq!(Some(&packet.payload), media);
                        format!("#{}", packet.location_id)
                    };
                    log.push(format!("{what} {} {}", packet.incarnation, packet.flags));
                }
            }
        }
        if again.is_empty() {
            return log;
        }
        got = again;
    }
}

/// What counts in an answer.
fn answer(message: &ServerMessage) -> String {
    match message {
        ServerMessage::ReportOpenFile(report) => {
            let file = report.result.unwrap();
            let (id, count) = (file.open_file_id, file.packet_count);
            let sizes = (file.packet_size, file.header_size);
            format!("opened {id} {count} {sizes:?} for {}", report.incarnation)
        }
        ServerMessage::ReportConnectedEx(report) => format!("connected {:?}", report.hr),
        ServerMessage::ReportFunnelInfo(report) => format!("funnel info {:?}", report.test),
        ServerMessage::ReportConnectedFunnel(report) => format!("funnel {:?}", report.hr),
        ServerMessage::ReportReadBlock(report) => {
            format!("read block {:?} {}", report.hr, report.incarnation)
        }
        ServerMessage::ReportStreamSwitch(report) => format!("switched {:?}", report.hr),
        ServerMessage::ReportStartedPlaying(report) => {
            format!("started {:?} {} {}", report.hr, report.incarnation, report.open_file_id)
        }
        ServerMessage::ReportEndOfStream(report) => {
            format!("end {:?} {}", report.hr, report.incarnation)
        }
        other => panic!("{other:?}"),
    }
}

/// Media packets from `first` on, under this label, and the end.
fn media(name: &str, first: usize, label: u32) -> Vec<String> {
    let mut log: Vec<_> =
        (first..14).zip(0..).map(|(n, flags)| format!("#{n} {label} {flags}")).collect();
    if name.starts_with("ffmpeg") {
        // Sixteen packets of one byte, one whose data would follow it, one that is too large, and
        // the last of 64 payloads without data.
        for length in [1; 16].into_iter().chain([33, 3201, 29]) {
            log.push(format!("past the last, {length} bytes, {label} {}", log.len()));
        }
    }
    log.push(format!("end S_OK {label}"));
    log
}

#[test]
fn every_answer_to_every_player() {
    // MMSP-S-012, MMSP-S-013, MMSP-S-020, MMSP-S-044 and what the players of
    // docs/behaviours.md rely on: openFileId 1, one message a packet, a header that is 0C.
    if samples().is_none() {
        return;
    }
    let file = File::read();
    for name in NAMES {
        let recorded = Recorded::read(name);
        let (answers, mut script) = session(&file, &recorded, |_| Vec::new());
        let mut plays = 0;
        for (index, (id, log)) in answers.iter().enumerate() {
            let log: Vec<&str> = log.iter().map(String::as_str).collect();
            let open = if name == "mplayer_mmst" { 0 } else { 1 };
            match id {
                0x01 => {
                    assert_eq!(log[0], "connected S_OK");
                    assert!(
                        log[1].starts_with("Connected(ClientInfo { subscriber: \"NSPlayer/7.0")
                    );
                    assert!(log[1].ends_with("version: 7.0 })"), "{name}");
                }
                0x18 => assert_eq!(log, ["funnel info None"]),
                0x02 => assert_eq!(log, ["funnel S_OK"]),
                0x05 => {
                    assert_eq!(log[0], "Open tiny.wma", "{name}");
                    assert_eq!(log[1], format!("opened 1 14 (3200, 444) for {open}"));
                }
                0x15 => assert_eq!(log, ["read block S_OK 2", "header 2 12"]),
                0x33 => assert!(log.contains(&"switched S_OK"), "{name}: {log:?}"),
                0x07 => {
                    let label = 4 + plays;
                    plays += 1;
                    assert_eq!(log[0], format!("started S_OK {label} 1"));
                    let first = if plays == 2 { 9 } else { 0 };
                    let start = if plays == 2 { "Packet(9)" } else { "Beginning" };
                    assert_eq!(log[1], format!("Play {start} None"), "{name}");
                    if answers.get(index + 1).map(|next| next.0) == Some(7) {
                        assert_eq!(log.len(), 2, "{name}: sought before it was answered");
                    } else {
                        assert_eq!(log[2..], media(name, first, label), "{name}");
                    }
                }
                0x1B => assert!(log.is_empty(), "{name}: {log:?}"),
                0x0D => assert_eq!(log, ["Closed(Peer)"], "{name}"),
                other => panic!("{name}: {other:#x}"),
            }
        }
        if !recorded.ids.contains(&0x0D) {
            assert_eq!(crate::pair::script::events(&script.hang_up()), ["Closed(Peer)"], "{name}");
        }
        assert_eq!(script.machine.phase(), mms_proto::Phase::Closed);
        // What MPlayer announces and does not send is the only thing to complain about.
        let complaints = script.machine.stats().deviations;
        assert!(complaints == 0 || name == "mplayer_mmst", "{name}: {complaints}");
    }
}

#[test]
fn cut_anywhere() {
    if samples().is_none() {
        return;
    }
    let file = File::read();
    for name in NAMES {
        let recorded = Recorded::read(name);
        let (whole, _) = session(&file, &recorded, |_| Vec::new());
        let (bytewise, _) = session(&file, &recorded, |_| (1..5000).collect());
        assert_eq!(bytewise, whole, "{name}");
        for step in [2, 3, 7, 31, 40, 64] {
            let (pieces, _) = session(&file, &recorded, |_| (step..5000).step_by(step).collect());
            assert_eq!(pieces, whole, "{name}, pieces of {step}");
        }
        let total: usize = recorded.packets.iter().map(Bytes::len).sum();
        for place in 1..total {
            let (split, _) =
                session(&file, &recorded, |begin| place.checked_sub(begin).into_iter().collect());
            assert_eq!(split, whole, "{name}, one cut at {place}");
        }
    }
}

#[test]
fn a_player_that_wants_udp_is_told_no_and_may_go_on() {
    // MMSP-S-016: VLC does not look at the answer; another player would try TCP.
    if samples().is_none() {
        return;
    }
    let recorded = Recorded::read("vlc_mmsu");
    let mut script = Script::new(ServerConfig::default());
    script.feed(&recorded.packets[0]);
    let refused = script.feed(&recorded.packets[1]);
    assert_eq!(
        crate::pair::script::message(&refused).id(),
        MessageId::REPORT_DISCONNECTED_FUNNEL,
        "{}",
        recorded.name
    );
    let got = script.feed(&recorded.packets[2]);
    let ServerMessage::ReportOpenFile(report) = crate::pair::script::message(&got) else {
        panic!()
    };
    assert!(report.result.is_err());
}
