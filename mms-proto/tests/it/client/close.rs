//! Goodbye, from either side and in every phase.

use mms_proto::mmsp::message::{
    ClientMessage, CloseFile, ReportDisconnectedFunnel, ReportStartedPlaying, StopPlaying,
};
use mms_proto::{ClientEvent, CloseReason, Error, HResult, Machine as _, Phase, Strictness};

use super::harness::*;

fn goodbye() -> ClientMessage {
    let open_file_id = FILE;
    CloseFile { open_file_id }.into()
}

fn stop_of(label: u8) -> ClientMessage {
    let (open_file_id, incarnation) = (FILE, label.into());
    StopPlaying { open_file_id, incarnation }.into()
}

#[test]
fn goodbye_while_streaming() {
    // MMSP-C-102, MMSP-C-103
    let mut script = Script::streaming();
    script.media(0, PLAY);
    script.events();
    script.close();
    assert_eq!(script.sent()[..1], [stop_of(PLAY)]);
    assert_eq!(script.machine.phase(), Phase::Closing);
    script.media(1, PLAY);
    assert_eq!(script.events(), [], "nobody wants them any more");
    script.close();
    assert_eq!(script.sent(), [], "once is enough");
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.sent(), [goodbye()]);
    script.assert_closed(CloseReason::Local);
}

#[test]
fn goodbye_in_every_phase() {
    // MMSP-C-102, MMSP-C-103, MMSP-C-105
    for phase in [Phase::Connecting, Phase::BandwidthTest, Phase::ChoosingTransport, Phase::Opening]
    {
        let mut script = Script::at(phase, config());
        script.close();
        assert_eq!(script.sent(), [], "{phase:?}: no file is open");
        script.assert_closed(CloseReason::Local);
    }
    for phase in [Phase::ReadingHeader, Phase::Ready] {
        let mut script = Script::at(phase, config());
        script.close();
        assert_eq!(script.sent(), [goodbye()], "{phase:?}");
        script.assert_closed(CloseReason::Local);
    }
    for phase in [Phase::Starting, Phase::Streaming, Phase::ChangingEntry] {
        let mut script = Script::at(phase, config());
        script.close();
        assert_eq!(script.sent()[..1], [stop_of(PLAY)], "{phase:?}");
        assert_eq!(script.machine.phase(), Phase::Closing);
        script.say(ended(HResult::OK, PLAY));
        assert_eq!(script.sent(), [goodbye()], "{phase:?}");
        script.assert_closed(CloseReason::Local);
    }
    // A stop is on its way already.
    let mut script = Script::at(Phase::Stopping, config());
    script.close();
    assert_eq!(script.sent(), []);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.sent(), [goodbye()]);
    script.assert_closed(CloseReason::Local);
    let mut script = Script::new_entry();
    script.close();
    assert_eq!(script.sent()[..1], [stop_of(PLAY)]);
    script.say(ended(HResult::OK, PLAY));
    script.assert_closed(CloseReason::Local);
}

#[test]
fn goodbye_while_a_play_command_is_answered() {
    // MMSP-C-102; in strict mode, where a complaint would be an error
    let mut script = Script::at(Phase::Starting, config().strictness(Strictness::Strict));
    script.close();
    script.sent();
    script.say(switched(HResult::OK));
    script.say(started(PLAY));
    script.media(0, PLAY);
    assert_eq!(script.events(), [ClientEvent::StreamsSelected]);
    script.say(ended(HResult::OK, PLAY));
    assert_eq!(script.sent(), [goodbye()]);
    script.assert_closed(CloseReason::Local);
    // Refused: there is nothing to stop, and nothing to wait for.
    let mut script = Script::at(Phase::Starting, config());
    script.close();
    script.sent();
    script.say(ReportStartedPlaying {
        hr: HResult::FAIL,
        incarnation: PLAY.into(),
        open_file_id: FILE,
    });
    assert_eq!(script.sent(), [goodbye()]);
    script.assert_closed(CloseReason::Local);
}

#[test]
fn the_server_closes_in_every_phase() {
    // MMSP-C-105
    for phase in [
        Phase::Connecting,
        Phase::BandwidthTest,
        Phase::ChoosingTransport,
        Phase::Opening,
        Phase::ReadingHeader,
        Phase::Starting,
        Phase::Streaming,
        Phase::Stopping,
    ] {
        for mid_frame in [false, true] {
            let mut script = Script::at(phase, config());
            if mid_frame {
                script.feed(&[1]);
            }
            script.hang_up();
            script.assert_failed(&Error::Disconnected { phase, mid_frame });
        }
    }
    let mut script = Script::new_entry();
    script.hang_up();
    let (phase, mid_frame) = (Phase::ChangingEntry, false);
    script.assert_failed(&Error::Disconnected { phase, mid_frame });
    // Here it may; but not in the middle of a packet.
    let mut script = Script::at(Phase::Ready, config());
    script.hang_up();
    script.assert_closed(CloseReason::Peer);
    let mut script = Script::at(Phase::Ready, config());
    script.feed(&[1]);
    script.hang_up();
    let (phase, mid_frame) = (Phase::Ready, true);
    script.assert_failed(&Error::Disconnected { phase, mid_frame });
    // We were leaving anyway.
    let mut script = Script::at(Phase::Closing, config());
    script.feed(&[1]);
    script.hang_up();
    script.assert_closed(CloseReason::Local);
}

#[test]
fn a_refusal_without_a_request() {
    // MMSP-C-105; T18
    let mut script = Script::streaming();
    script.say(ReportDisconnectedFunnel { hr: HResult::SHUTDOWN });
    let (phase, hr) = (Phase::Streaming, HResult::SHUTDOWN);
    script.assert_failed(&Error::Refused { phase, hr });
}
