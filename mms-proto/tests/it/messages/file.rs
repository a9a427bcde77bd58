//! The file: MS-MMSP 2.2.4.21, .7, .9, .14, .24.

use mms_proto::mmsp::message::FileAttributes;
use std::time::Duration;

use bytes::Bytes;
use mms_proto::mmsp::message::{
    NtlmToken, OpenFile, OpenedFile, ReportOpenFile, ReportRedirect, SecurityChallenge,
    SecurityResponse, ServerMessage, basic_token,
};
use mms_proto::{Deviation, HResult, Redirect};

use super::tools::{Message as _, bytes, client, client_reads, reads, server, server_reads};

#[test]
fn open_file() {
    // MMSP-W-042, MMSP-W-033
    let file = |token| OpenFile { incarnation: 9, path: "abc.asf".to_owned(), token };
    client(
        "05000000 05000300 09000000 00000000 00000000 00000000 u'abc.asf' 0000",
        file(Bytes::new()),
    );
    // Eight UTF-16 units with the terminator: the token is at byte 0x10 of the name.
    let token = basic_token("Aladdin", "open sesame");
    client(
        "09000000 05000300 09000000 00000000 10000000 1D000000 u'abc.asf' 0000
         a'QWxhZGRpbjpvcGVuIHNlc2FtZQ==' 00 00*3",
        file(token.clone()),
    );
    client_reads(
        "0A000000 05000300 09000000 EEEEEEEE 14000000 1D000000 u'abc.asf' 0000 u'ju'
         a'QWxhZGRpbjpvcGVuIHNlc2FtZQ==' 00 EE*7",
        file(token),
    );
    // A name without its terminator ends where the token begins.
    client_reads(
        "05000000 05000300 09000000 00*4 0E000000 02000000 u'abc.asf' a'to'",
        file(Bytes::from_static(b"to")),
    );
    // A name with a character outside the BMP has two units more than characters.
    client(
        "05000000 05000300 09000000 00000000 06000000 04000000 u'\u{1D11E}' 0000 a'abcd' 00*6",
        OpenFile {
            incarnation: 9,
            path: "\u{1D11E}".to_owned(),
            token: Bytes::from_static(b"abcd"),
        },
    );
    // Without a token its offset means nothing.
    client_reads(
        "05000000 05000300 09000000 FFFFFFFF FFFFFFFF 00000000 u'abc.asf' 0000",
        file(Bytes::new()),
    );
}

#[test]
fn open_file_of_players() {
    // MMSP-W-042
    let file = |incarnation, path: &str| OpenFile {
        incarnation,
        path: path.to_owned(),
        token: Bytes::new(),
    };
    let name = "u'tiny.wma' 0000 00*6";
    // FFmpeg and VLC, libmms, MPlayer.
    let spare = "05000300 01000000 FFFFFFFF 00*8";
    client_reads(&format!("06000000 {spare} {name}"), file(1, "tiny.wma"));
    client_reads(&format!("06000000 05000300 01000000 00*12 {name}"), file(1, "tiny.wma"));
    client_reads(&format!("06000000 05000300 00000000 00*12 {name}"), file(0, "tiny.wma"));
    // No terminator, and no name.
    client_reads(&format!("05000000 {spare} u'tiny.wma'"), file(1, "tiny.wma"));
    client_reads(&format!("03000000 {spare}"), file(1, ""));
}

#[test]
fn report_open_file() {
    // MMSP-W-043, MMSP-W-001
    let file = OpenedFile {
        open_file_id: 1,
        attributes: FileAttributes::CAN_STRIDE | FileAttributes::CAN_SEEK,
        duration: Duration::from_millis(90_500),
        packet_size: 0x0C80,
        packet_count: 0x0102_0304_0506_0708,
        bit_rate: 64_000,
        header_size: 0x1234,
    };
    let opened = |file| ReportOpenFile { incarnation: 9, result: Ok(file) };
    // 90.5 seconds; in whole ones, 91.
    server(
        "0F000000 06000400 00000000 09000000 01000000 00000000 00000000 00008001 0000000000A05640
         5B000000 00*16 800C0000 0807060504030201 00FA0000 34120000 00*36 00*4",
        opened(file),
    );
    let live = OpenedFile {
        attributes: FileAttributes::BROADCAST | FileAttributes::LIVE | FileAttributes::PLAYLIST,
        duration: Duration::ZERO,
        packet_count: 0,
        ..file
    };
    server(
        "0F000000 06000400 00000000 09000000 01000000 00000000 00000000 00000046 00*8
         00000000 00*16 800C0000 00*8 00FA0000 34120000 00*36 00*4",
        opened(live),
    );
    // 3 seconds are 3 whole seconds.
    let short = OpenedFile { duration: Duration::from_secs(3), ..live };
    server(
        "0F000000 06000400 00000000 09000000 01000000 00000000 00000000 00000046 0000000000000840
         03000000 00*16 800C0000 00*8 00FA0000 34120000 00*36 00*4",
        opened(short),
    );
    // Garbage wherever nothing is meant; the unused end missing.
    for end in ["0F000000 | CD*40", "0A000000 | "] {
        let (chunks, end) = end.split_once('|').unwrap();
        server_reads(
            &format!(
                "{chunks} 06000400 00000000 09000000 01000000 CD*8 00000046 00*8 CD*20 800C0000
                 00*8 00FA0000 34120000 {end}"
            ),
            opened(live),
        );
    }
}

#[test]
fn report_open_file_with_a_bad_duration() {
    // MMSP-W-074
    for (double, bits) in [
        ("000000000000F87F", 0x7FF8_0000_0000_0000), // not a number
        ("000000000000F07F", 0x7FF0_0000_0000_0000), // infinite
        ("000000000000F0FF", 0xFFF0_0000_0000_0000), // minus infinite
        ("000000000000F0BF", 0xBFF0_0000_0000_0000), // minus one
        ("FFFFFFFFFFFFEF7F", 0x7FEF_FFFF_FFFF_FFFF), // the largest
        ("000000000000F043", 0x43F0_0000_0000_0000), // 2^64, the first past a `Duration`
    ] {
        let file = OpenedFile {
            open_file_id: 1,
            attributes: FileAttributes(0),
            duration: Duration::ZERO,
            packet_size: 1,
            packet_count: 2,
            bit_rate: 3,
            header_size: 4,
        };
        reads::<ServerMessage>(
            &format!(
                "0F000000 06000400 00000000 09000000 01000000 00*12 {double} 00*20 01000000
                 0200000000000000 03000000 04000000 00*40"
            ),
            ReportOpenFile { incarnation: 9, result: Ok(file) },
            &[Deviation::FieldValue { field: "fileDuration", value: bits }],
        );
    }
}

#[test]
fn refused_files() {
    // MMSP-W-043
    let refusal = ReportOpenFile { incarnation: 9, result: Err(HResult::FILE_NOT_FOUND.into()) };
    // Full size, file id 0: there are players that look at nothing else.
    server("0F000000 06000400 1A000DC0 09000000 00*104", refusal.clone());
    server_reads("02000000 06000400 1A000DC0 09000000", refusal.clone());
    server_reads("0F000000 06000400 1A000DC0 09000000 CD*104", refusal);
    // A refusal is one, whatever code the caller chose.
    for hr in [HResult::OK, HResult::FALSE] {
        let message: ServerMessage =
            ReportOpenFile { incarnation: 9, result: Err(hr.into()) }.into();
        assert_eq!(message.write(), bytes("0F000000 06000400 05400080 09000000 00*104"));
    }
}

#[test]
fn report_redirect() {
    // MMSP-W-044, MMSP-W-045, MMSP-W-032
    let to = |target| ReportRedirect { hr: HResult::OK, target };
    let url = |url: &str| to(Redirect::Url(url.to_owned()));
    // 12 characters and the terminator are 26 bytes.
    server("06000000 22000400 00000000 0100 1A00 u'mmst://b/c.a' 0000 00*6", url("mmst://b/c.a"));
    server(
        "04000000 22000400 00000000 0200 1000 u'proxy:8' 0000",
        to(Redirect::Proxy(Some("proxy:8".to_owned()))),
    );
    server("03000000 22000400 00000000 0200 0200 0000 00*6", to(Redirect::Proxy(None)));
    server_reads("02000000 22000400 00000000 0200 0000", to(Redirect::Proxy(None)));
    // Not percent-encoded: what the application says is what is sent.
    server(
        "06000000 22000400 00000000 0100 2000 u'mmsu://\u{FC}/a b%2F' 0000",
        url("mmsu://\u{FC}/a b%2F"),
    );
    // A length without the terminator, and garbage after the text.
    server_reads("05000000 22000400 00000000 0100 1400 u'mms://b/cd' EEEE EEEE", url("mms://b/cd"));
    // Text ends where its length says.
    server_reads("05000000 22000400 00000000 0100 0E00 u'mms://b/cd' 0000 0000", url("mms://b"));
}

#[test]
fn redirects_that_cannot_be_said() {
    // MMSP-W-044, MMSP-W-045
    let refusal = |target| {
        let message: ServerMessage = ReportRedirect { hr: HResult::OK, target }.into();
        message.write()
    };
    let longest = "x".repeat(32_766);
    let fits: ServerMessage =
        ReportRedirect { hr: HResult::OK, target: Redirect::Url(longest.clone()) }.into();
    assert_eq!(ServerMessage::read(&fits.write().into(), &mut Vec::new()), Ok(fits));
    let too_long = longest + "x";
    let nowhere = "03000000 22000400 1C000DC0 0100 0200 0000 00*6";
    assert_eq!(refusal(Redirect::Url(String::new())), bytes(nowhere));
    assert_eq!(refusal(Redirect::Url("\0x".to_owned())), bytes(nowhere));
    assert_eq!(refusal(Redirect::Url(too_long.clone())), bytes(nowhere));
    assert_eq!(
        refusal(Redirect::Proxy(Some(too_long))),
        bytes("03000000 22000400 1C000DC0 0200 0200 0000 00*6")
    );
    // A refusal needs no location, and its code arrives without one.
    let refused = ReportRedirect { hr: HResult::ACCESS_DENIED, target: Redirect::Proxy(None) };
    for rest in ["02000000 | 0000 0000", "02000000 | 0100 FFFF", "04000000 | CD*20"] {
        let (chunks, rest) = rest.split_once('|').unwrap();
        server_reads(&format!("{chunks} 22000400 05000780 {rest}"), refused.clone());
    }
}

#[test]
fn security_challenge() {
    // MMSP-W-046, MMSP-W-032
    // No hr: playIncarnation is the first field.
    let challenge = |token: &str| SecurityChallenge {
        incarnation: 9,
        cookie: 0x0403_0201,
        token: bytes(token).into(),
    };
    let head = "1A000400 09000000 01020304";
    let realm = "u'realm=\"\"' 0000";
    server(&format!("05000000 {head} 12000000 {realm} 00*2"), challenge(realm));
    server(
        &format!("06000000 {head} 1A000000 u'realm=\"gate\"' 0000 00*2"),
        challenge("u'realm=\"gate\"' 0000"),
    );
    // Windows Media Services 4.x sends a lone terminator; NTLM begins with two zero bytes.
    server(&format!("03000000 {head} 02000000 0000 00*2"), challenge("0000"));
    let message = "0000 a'NTLMSSP' 00 02000000";
    server(&format!("05000000 {head} 0E000000 {message} 00*6"), challenge(message));
    server(&format!("03000000 {head} 00000000 00*4"), challenge(""));
    server_reads(&format!("05000000 {head} 0E000000 {message} EE*6"), challenge(message));
}

#[test]
fn security_response() {
    // MMSP-W-047, MMSP-W-032
    let response = |token: Bytes| SecurityResponse { incarnation: 9, cookie: 0x0403_0201, token };
    let head = "1A000300 09000000 01020304";
    // 28 characters and the terminating byte.
    client(
        &format!("07000000 {head} 1D000000 a'QWxhZGRpbjpvcGVuIHNlc2FtZQ==' 00 00*7"),
        response(basic_token("Aladdin", "open sesame")),
    );
    let raw = NtlmToken { message: bytes("a'NTLMSSP' 00 01000000").into(), wrapped: false };
    client(
        &format!("05000000 {head} 0E000000 0000 a'NTLMSSP' 00 01000000 00*6"),
        response(raw.to_token()),
    );
    client(&format!("03000000 {head} 02000000 0000 00*2"), response(Bytes::from_static(&[0, 0])));
}

#[test]
fn ntlm_wrapper() {
    // MMSP-W-048
    let wrapped = NtlmToken { message: bytes("a'NTLMSSP' 00 03000000").into(), wrapped: true };
    let structure = "00000000 01000000 00000000 0C000000 02000000 00000000 a'NTLMSSP' 00 03000000";
    assert_eq!(wrapped.to_token(), bytes(&format!("0000 {structure}")));
    // With the two zero bytes and without, reserved fields of any value, padding behind.
    for token in [
        format!("0000 {structure}"),
        structure.to_owned(),
        "0000 CD*12 0C000000 02000000 CDCDCDCD a'NTLMSSP' 00 03000000 00*4".to_owned(),
    ] {
        assert_eq!(NtlmToken::find(&bytes(&token).into()), wrapped, "{token}");
    }
    let raw = NtlmToken { wrapped: false, ..wrapped };
    for token in ["a'NTLMSSP' 00 03000000", "0000 a'NTLMSSP' 00 03000000"] {
        assert_eq!(NtlmToken::find(&bytes(token).into()), raw, "{token}");
    }
    // Something like a message, and one that only begins after the first bytes, are none.
    for token in ["0000 a'NTLMSSQ' 00 01000000", "00*48 a'NTLMSSP' 00"] {
        assert!(NtlmToken::find(&bytes(token).into()).message.is_empty(), "{token}");
    }
}
