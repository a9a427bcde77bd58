//! Servers that fall silent, dawdle or go away, at every moment of a session.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_client::{Error, MmsUrl, OpenOptions, RecordOptions, Target, record};
use mms_proto::mmsp::frame::{DataPacket, MessageWriter};
use mms_proto::mmsp::message::{ClientMessage, Ping, ServerMessage};
use mms_proto::{AsfPacket, Missing, Phase};

use crate::common::{Clip, Fault, Host, Temporary, patient, script, url};

/// Plays everything.
fn play(options: &OpenOptions, address: &MmsUrl) -> Result<Vec<AsfPacket>, Error> {
    options.open(address)?.play_all()?.collect()
}

/// The phase that an error names.
fn phase_of(error: &Error) -> Phase {
    match error {
        Error::Protocol {
            source:
                mms_proto::Error::Disconnected { phase, .. } | mms_proto::Error::TimedOut { phase, .. },
            ..
        } => *phase,
        other => panic!("{other:?}"),
    }
}

const PHASES: [Phase; 7] = [
    Phase::Connecting,
    Phase::BandwidthTest,
    Phase::ChoosingTransport,
    Phase::Opening,
    Phase::ReadingHeader,
    Phase::Starting,
    Phase::Streaming,
];

fn session_bytes(clip: &Clip) -> usize {
    let host = Host::new(clip.clone());
    play(&patient(), &host.url()).unwrap();
    host.sent()
}

#[test]
fn a_sudden_close_names_the_phase() {
    let clip = Clip::new(12);
    let bytes = session_bytes(&clip);
    let host = Host::new(clip);
    let mut seen = Vec::new();
    for at in (0..bytes).step_by(5) {
        host.fault(Fault::cut(at));
        let error = play(&patient(), &host.url()).unwrap_err();
        let phase = phase_of(&error);
        assert!(error.to_string().contains("was closed while"), "{error}");
        if !seen.contains(&phase) {
            seen.push(phase);
        }
    }
    assert_eq!(seen, PHASES);
}

#[test]
fn a_stall_ends_in_time_and_names_the_phase() {
    let clip = Clip::new(12);
    let bytes = session_bytes(&clip);
    let timeout = Duration::from_millis(300);
    let options = OpenOptions::new().timeout(timeout);
    let run = &|at: usize| {
        let host = Host::new(clip.clone());
        host.fault(Fault::stall(at));
        let before = Instant::now();
        let error = play(&options, &host.url()).unwrap_err();
        (phase_of(&error), before.elapsed(), error)
    };
    let runs: Vec<_> = thread::scope(|scope| {
        let spawn = |at| scope.spawn(move || run(at));
        let threads: Vec<_> = (0..bytes).step_by(bytes / 60).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for phase in PHASES {
        assert!(runs.iter().any(|(seen, ..)| *seen == phase), "{phase}");
    }
    for (_, time, error) in runs {
        assert!(time >= timeout, "{error}");
        assert!(time < Duration::from_secs(5), "{error} after {time:?}");
    }
}

#[test]
fn a_byte_now_and_then_keeps_nothing_alive() {
    let clip = Clip::new(12);
    let host = Host::new(clip);
    for at in [0, 700, 1500] {
        host.fault(Fault { trickle: Some((at, Duration::from_millis(20))), ..Fault::default() });
        let before = Instant::now();
        let error = play(&OpenOptions::new().timeout(Duration::from_millis(300)), &host.url());
        let Err(Error::Protocol { source: mms_proto::Error::TimedOut { missing, .. }, .. }) = error
        else {
            panic!("{at}: {error:?}");
        };
        // From the first byte of a message or packet on, or from the request: whichever is first.
        assert!(
            [Missing::Reply, Missing::Header, Missing::RestOfPacket, Missing::Media]
                .contains(&missing),
            "{missing}"
        );
        assert!(before.elapsed() < Duration::from_secs(3));
    }
}

#[test]
fn packets_of_no_use_keep_nothing_alive() {
    // Too long for the file, empty, past its end, the same again: one each 100 ms.
    type Useless = fn(u8, u32) -> DataPacket;
    let kinds: [Useless; 4] = [
        |label, number| DataPacket::new(number, label, 0, Bytes::from(vec![0x82; 201])),
        |label, number| DataPacket::new(number, label, 0, Bytes::new()),
        |label, number| DataPacket::new(number + 1_000, label, 0, Clip::new(1).sent(0)),
        |label, _| DataPacket::new(0, label, 0, Clip::new(1).sent(0)),
    ];
    let run = &|useless: Useless| {
        let clip = Clip::new(900);
        let address = script::serve(move |_, message| {
            let mut steps = script::honest(&message, &clip, "9.1");
            if let ClientMessage::StartPlaying(start) = message {
                let label = u8::try_from(start.incarnation).unwrap();
                steps.extend(script::media(&clip, label, 0..1));
                for number in 1..100 {
                    steps.push(script::Do::Pause(Duration::from_millis(100)));
                    steps.push(script::Do::Send(useless(label, number)));
                }
            }
            steps
        });
        let options = OpenOptions::new().timeout(Duration::from_millis(400));
        let session = options.open(&url(address, "clip.wmv")).unwrap();
        let (file, before) = (Temporary::new(), Instant::now());
        let target = |_: u32, _: &_| Ok(Some(Target::Create(file.create())));
        let failed = record(session, &RecordOptions::new(), target, |_| {}).unwrap_err();
        assert_eq!(failed.summary.packets, 1);
        assert!(before.elapsed() < Duration::from_secs(3), "{failed}");
        let Error::Protocol { source: mms_proto::Error::TimedOut { missing, .. }, .. } =
            failed.error
        else {
            panic!("{failed:?}");
        };
        assert_eq!(missing, Missing::Media);
    };
    thread::scope(|scope| {
        for useless in kinds {
            scope.spawn(move || run(useless));
        }
    });
}

#[test]
fn a_flood_keeps_nothing_alive() {
    // As fast as it can, so that the socket is never found empty; and after each message of ours,
    // so that it begins in every phase but the last.
    for answers in 0..6 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || flood(&listener, answers));
        let before = Instant::now();
        let (done, result) = mpsc::channel();
        let client = thread::spawn(move || {
            let options = OpenOptions::new().timeout(Duration::from_millis(300));
            done.send(play(&options, &url(address, "clip.wmv"))).unwrap();
        });
        let error = result.recv_timeout(Duration::from_secs(20)).unwrap().unwrap_err();
        phase_of(&error);
        assert!(before.elapsed() < Duration::from_secs(10), "{error}");
        client.join().unwrap();
        server.join().unwrap();
    }
}

/// Answers so many messages of one client honestly, then sends Pings until it leaves.
fn flood(listener: &TcpListener, answers: usize) {
    let clip = Clip::new(12);
    let mut answered = 0;
    let (socket, _) = listener.accept().unwrap();
    let mut flood = socket.try_clone().unwrap();
    script::talk(socket, |message| {
        answered += 1;
        if answered <= answers {
            return script::honest(&message, &clip, "9.1");
        }
        let mut writer = MessageWriter::default();
        let ping = ServerMessage::from(Ping);
        let pings: Vec<_> =
            (0..20_000).flat_map(|_| writer.write(0, |out| ping.encode(out))).collect();
        while flood.write_all(&pings).is_ok() {}
        vec![script::Do::Close]
    });
}

#[test]
fn a_pause_of_the_application_is_no_silence_of_the_server() {
    let clip = Clip::new(2000);
    let host = Host::new(clip);
    let options = OpenOptions::new().timeout(Duration::from_millis(300));
    let mut playback = options.open(&host.url()).unwrap().play_all().unwrap();
    let mut count = 0;
    for packet in &mut playback {
        packet.unwrap();
        count += 1;
        if count % 700 == 1 {
            thread::sleep(Duration::from_millis(500));
        }
    }
    assert_eq!(count, 2000);
}

#[test]
fn a_server_that_does_not_speak_mms() {
    // It reads nothing, too: HTTP servers wait for a line, others for nothing.
    for answer in [&b"HTTP/1.0 400 Bad Request\r\n\r\n"[..], b"220 ready\r\n", b""] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            tcp.write_all(answer).unwrap();
            while tcp.read(&mut [0; 16]).is_ok_and(|count| count > 0) {}
        });
        let error =
            play(&OpenOptions::new().timeout(Duration::from_millis(300)), &url(address, "x"));
        assert!(matches!(error, Err(Error::Protocol { .. })), "{error:?}");
        server.join().unwrap();
    }
}

#[test]
fn what_a_server_said_before_it_closed_is_heard() {
    use mms_proto::HResult;
    use mms_proto::mmsp::message::{ClientMessage, ReportOpenFile};
    let clip = Clip::new(1);
    // It refuses and closes with something of ours unread: a reset, on most systems.
    let address = script::serve(move |_, message| match message {
        ClientMessage::OpenFile(open) => {
            let result = Err(HResult::ACCESS_DENIED.into());
            let refusal = ReportOpenFile { incarnation: open.incarnation, result };
            vec![script::say(refusal), script::Do::Close]
        }
        other => script::honest(&other, &clip, "9.1"),
    });
    for _ in 0..20 {
        let error = play(&patient(), &url(address, "x")).unwrap_err();
        assert!(error.to_string().contains("E_ACCESSDENIED"), "{error}");
    }
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = play(&patient(), &url(address, "x")).unwrap_err();
    assert!(matches!(error, Error::Dial(_)), "{error:?}");
}
