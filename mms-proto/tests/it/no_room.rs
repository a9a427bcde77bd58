//! A count for bytes that nobody could have read.

use crate::pair::media::content;
use crate::pair::script::{Script, connect, events, funnel, open, open_request};
use mms_proto::ConnectionId;
use mms_proto::Input;
use mms_proto::Machine as _;
use mms_proto::mmsp::ServerConfig;

#[test]
fn a_count_without_room_is_cut() {
    let mut config = ServerConfig::default();
    config.limits.buffered = 0;
    let mut script = Script::new(config);
    script.send(connect("x"));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "x")));
    let nothing = mms_proto::mmsp::frame::MessageWriter::default().write(0, |_| {});
    while !script.machine.recv_buffer(ConnectionId::MAIN).is_empty() {
        script.give(|server, now| server.handle_input(now, Input::tcp(&nothing))).unwrap();
    }
    script.give(|server, now| server.received(now, ConnectionId::MAIN, 100)).unwrap();
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    let got = script.poll();
    assert!(events(&got).is_empty(), "{:?}", events(&got));
}
