//! Who is who, MS-MMSP 2.2.4.17 and 2.2.4.2.

use crate::message_kind::MessageKind;
use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{bytes, f64_le, len32, put_utf16_z, u32_le, utf16, utf16_z_units};
use super::{Body, Deviation, MessageId, Wire};
use crate::hresult::HResult;

/// `MacToViewerProtocolRevision`.
const MAC_TO_VIEWER_REVISION: u32 = 0x0004_000B;
/// `ViewerToMacProtocolRevision`.
const VIEWER_TO_MAC_REVISION: u32 = 0x0003_001C;

/// Whether a bandwidth test is wanted or possible. It travels in `playIncarnation`, where players
/// that know nothing of it leave all kinds of values: everything but `0xF0F0F0F0` is a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PacketPair {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes,
}

impl PacketPair {
    fn from_wire(value: u32) -> Self {
        if value == 0xF0F0_F0F0 { Self::Yes } else { Self::No }
    }

    fn to_wire(self) -> u32 {
        match self {
            Self::No => 0xF0F0_F0EF,
            Self::Yes => 0xF0F0_F0F0,
        }
    }
}

/// The first message of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Whether the client would like a bandwidth test.
    pub packet_pair: PacketPair,
    /// Product, version, GUID and host: `NSPlayer/9.0.0.2980; {GUID}; Host: example`.
    #[doc(alias = "subscriberName")]
    pub subscriber: String,
    /// Host and port of the content as a text of its own, which follows the name: `example:1755`.
    /// Clients that connect through a proxy send it, and proxies add it. What proxies say of
    /// themselves (`VIA:`) is not kept.
    #[doc(alias = "host-string")]
    pub host: Option<String>,
}

/// Begins the text with the host, MS-MMSP 2.2.4.17.
const HOST: &str = "HOST: ";

impl Body for Connect {
    const ID: MessageId = MessageId::CONNECT;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (pair, _, _)) = (
            u32_le("playIncarnation"),
            u32_le("MacToViewerProtocolRevision"),
            u32_le("ViewerToMacProtocolRevision"),
        )
            .parse(body)?;
        let subscriber = utf16(rest);
        // Behind the name and its terminator.
        let more = rest.get(utf16_z_units(&subscriber).saturating_mul(2)..).unwrap_or_default();
        let host = utf16(more).strip_prefix(HOST).map(str::to_owned);
        Ok((&[], Self { packet_pair: PacketPair::from_wire(pair), subscriber, host }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.packet_pair.to_wire());
        out.put_u32_le(MAC_TO_VIEWER_REVISION);
        out.put_u32_le(VIEWER_TO_MAC_REVISION);
        put_utf16_z(out, &self.subscriber);
        if let Some(host) = &self.host {
            put_utf16_z(out, &format!("{HOST}{host}"));
        }
    }
}

/// The server's answer to [`Connect`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias = "ReportConnectedEX")]
pub struct ReportConnectedEx {
    /// Whether the session may go on.
    pub hr: HResult,
    /// Whether a bandwidth test is possible.
    pub packet_pair: PacketPair,
    /// Version of the server, such as `9.01.01.3814`.
    #[doc(alias = "ServerVersionInfo")]
    pub server_version: String,
    /// Version of the client software that the server offers as an upgrade.
    #[doc(alias = "VersionInfo")]
    pub upgrade_version: String,
    /// Where to get it.
    #[doc(alias = "VersionUrl")]
    pub upgrade_url: String,
    /// Name of the authentication scheme, `BASIC` or `NTLM`; empty for none.
    #[doc(alias = "AuthenPackage")]
    pub authentication: String,
}

impl Body for ReportConnectedEx {
    const ID: MessageId = MessageId::REPORT_CONNECTED_EX;

    fn parse<'a>(body: &'a [u8], _: &Bytes, deviations: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, pair)) = (u32_le("hr"), u32_le("playIncarnation")).parse(body)?;
        let hr = HResult(hr);
        let (rest, texts) = match parse_texts(rest) {
            // What is missing from a refusal is not missed.
            Err(_) if hr.is_failure() => {
                deviations.push(Deviation::ShortMessage(MessageKind::Mmsp(Self::ID)));
                (&[][..], Default::default())
            }
            texts => texts?,
        };
        let [server_version, upgrade_version, upgrade_url, authentication] = texts;
        let packet_pair = PacketPair::from_wire(pair);
        let report =
            Self { hr, packet_pair, server_version, upgrade_version, upgrade_url, authentication };
        Ok((rest, report))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(self.packet_pair.to_wire());
        out.put_u32_le(MAC_TO_VIEWER_REVISION);
        out.put_u32_le(VIEWER_TO_MAC_REVISION);
        out.put_f64_le(1.0); // blockGroupPlayTime
        out.put_u32_le(1); // blockGroupBlocks
        out.put_u32_le(1); // nMaxOpenFiles
        out.put_u32_le(0x8000); // nBlockMaxBytes
        out.put_u32_le(0x0098_9680); // maxBitRate
        let texts = [
            self.server_version.as_str(),
            &self.upgrade_version,
            &self.upgrade_url,
            &self.authentication,
        ];
        // The version is always there; of the others, absent means a count of zero.
        let present = |(index, text): &(usize, &str)| *index == 0 || !text.is_empty();
        for (index, text) in texts.iter().enumerate() {
            let units = if present(&(index, text)) { utf16_z_units(text) } else { 0 };
            out.put_u32_le(len32(units));
        }
        for (_, text) in texts.iter().copied().enumerate().filter(present) {
            put_utf16_z(out, text);
        }
    }
}

/// Parses the constants, the four counts and the four texts.
fn parse_texts(body: &[u8]) -> Wire<'_, [String; 4]> {
    // The revisions and block sizes are constants that Windows Media Services 4.x fills with
    // garbage (T28).
    let (rest, _) = (
        u32_le("MacToViewerProtocolRevision"),
        u32_le("ViewerToMacProtocolRevision"),
        f64_le("blockGroupPlayTime"),
        u32_le("blockGroupBlocks"),
        u32_le("nMaxOpenFiles"),
        u32_le("nBlockMaxBytes"),
        u32_le("maxBitRate"),
    )
        .parse(body)?;
    let (rest, units) = (
        u32_le("cbServerVersionInfo"),
        u32_le("cbVersionInfo"),
        u32_le("cbVersionUrl"),
        u32_le("cbAuthenPackage"),
    )
        .parse(rest)?;
    let (rest, server_version) = counted("ServerVersionInfo", units.0, rest)?;
    let (rest, upgrade_version) = counted("VersionInfo", units.1, rest)?;
    let (rest, upgrade_url) = counted("VersionUrl", units.2, rest)?;
    let (rest, authentication) = counted("AuthenPackage", units.3, rest)?;
    Ok((rest, [server_version, upgrade_version, upgrade_url, authentication]))
}

/// Text of so many UTF-16 units, terminator included.
fn counted<'a>(field: &'static str, units: u32, rest: &'a [u8]) -> Wire<'a, String> {
    // A count that does not fit the address space is certainly past the end.
    let length = usize::try_from(units).ok().and_then(|units| units.checked_mul(2));
    let (rest, text) = bytes(field, length.unwrap_or(usize::MAX)).parse(rest)?;
    Ok((rest, utf16(text)))
}
