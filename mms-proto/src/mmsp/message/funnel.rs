//! Client id, bandwidth test and transport, MS-MMSP 2.2.4.19, 2.2.4.6, 2.2.4.18, 2.2.4.3, 2.2.4.4.

use std::net::IpAddr;
use std::num::NonZeroU16;

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{bytes, put_utf16_z, u32_le, utf16};
use super::{Body, Deviation, MessageId, Wire, hr_and_incarnation};
use crate::hresult::HResult;

/// The kind of bandwidth test that a client asks for and a server grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BandwidthTest {
    /// None. FFmpeg sends a value that does not exist (0x00F0F0F0); it means none as well.
    #[default]
    None,
    /// Packets over TCP.
    Tcp,
    /// Packets of random bytes over TCP.
    TcpHighEntropy,
    /// Packets of random bytes over UDP, after `ReadBlock`.
    UdpHighEntropy,
}

impl BandwidthTest {
    fn from_wire(value: u32) -> Self {
        match value {
            0xF0F0_F0F0 => Self::Tcp,
            0xF0F0_F0F1 => Self::TcpHighEntropy,
            0xF0F0_F901 => Self::UdpHighEntropy,
            _ => Self::None,
        }
    }

    fn to_wire(self) -> u32 {
        match self {
            Self::None => 0xF0F0_F0EF,
            Self::Tcp => 0xF0F0_F0F0,
            Self::TcpHighEntropy => 0xF0F0_F0F1,
            Self::UdpHighEntropy => 0xF0F0_F901,
        }
    }

    /// True when the packets travel inside [`ReportFunnelInfo`] messages.
    #[must_use]
    pub fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::TcpHighEntropy)
    }
}

/// The client asks for its id and, if it likes, a bandwidth test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunnelInfo {
    /// The test wanted.
    pub test: BandwidthTest,
}

impl Body for FunnelInfo {
    const ID: MessageId = MessageId::FUNNEL_INFO;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, value) = u32_le("playIncarnation").parse(body)?;
        Ok((rest, Self { test: BandwidthTest::from_wire(value) }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.test.to_wire());
    }
}

/// The answer to [`FunnelInfo`]: once, or three times with a test over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFunnelInfo {
    /// Whether the session may go on.
    pub hr: HResult,
    /// The test granted.
    pub test: BandwidthTest,
    /// Names the client in requests to resend packets.
    #[doc(alias = "nCubs")]
    pub client_id: u32,
    /// Random bytes whose only purpose is their number.
    pub packet_pair: Bytes,
}

impl Body for ReportFunnelInfo {
    const ID: MessageId = MessageId::REPORT_FUNNEL_INFO;

    fn parse<'a>(body: &'a [u8], message: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, test)) = (u32_le("hr"), u32_le("playIncarnation")).parse(body)?;
        let hr = HResult(hr);
        let test = BandwidthTest::from_wire(test);
        if hr.is_failure() && rest.len() < 16 {
            return Ok((&[], Self { hr, test, client_id: 0, packet_pair: Bytes::new() }));
        }
        let (rest, (_, client_id)) = (bytes("transportMask", 12), u32_le("nCubs")).parse(rest)?;
        // failedCubs, nDisks, decluster, cubddDatagramSize; nobody misses them.
        let tail = rest.get(16..).unwrap_or_default();
        let packet_pair = if test.is_tcp() { message.slice_ref(tail) } else { Bytes::new() };
        Ok((&[], Self { hr, test, client_id, packet_pair }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(self.test.to_wire());
        out.put_u32_le(8); // transportMask
        out.put_u32_le(1); // nBlockFragments
        out.put_u32_le(0x0001_0000); // fragmentBytes
        out.put_u32_le(self.client_id);
        out.put_u32_le(0); // failedCubs
        out.put_u32_le(1); // nDisks
        out.put_u32_le(0); // decluster
        out.put_u32_le(0); // cubddDatagramSize
        if self.test.is_tcp() {
            out.put_slice(&self.packet_pair);
        }
    }
}

/// The client chooses how media travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectFunnel {
    /// Transport, address and port in one piece of text.
    #[doc(alias = "funnelName")]
    pub funnel: FunnelName,
}

impl Body for ConnectFunnel {
    const ID: MessageId = MessageId::CONNECT_FUNNEL;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, _) = (
            u32_le("playIncarnation"),
            u32_le("maxBlockBytes"),
            u32_le("maxFunnelBytes"),
            u32_le("maxBitRate"),
            u32_le("funnelMode"),
        )
            .parse(body)?;
        Ok((&[], Self { funnel: FunnelName(utf16(rest)) }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(0); // playIncarnation, not used
        out.put_u32_le(u32::MAX); // maxBlockBytes
        out.put_u32_le(0); // maxFunnelBytes
        out.put_u32_le(0x0098_9680); // maxBitRate; no limit follows from it
        out.put_u32_le(2); // funnelMode
        put_utf16_z(out, &self.funnel.0);
    }
}

/// Text of the form `\\address\protocol\port`. What a peer sent may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunnelName(String);

impl FunnelName {
    /// The name for this transport.
    #[must_use]
    pub fn new(address: IpAddr, funnel: Funnel) -> Self {
        let protocol = match funnel.protocol {
            FunnelProtocol::Tcp => "TCP",
            FunnelProtocol::Udp => "UDP",
        };
        Self(format!("\\\\{address}\\{protocol}\\{}", funnel.port))
    }

    /// The text as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Protocol named by the text: the first of its parts that is `TCP` or `UDP` in any case, or
    /// `CUBDD`, WebTV's word for UDP. `None` without such a part.
    ///
    /// Parts are separated by either slash, and empty ones do not count: old clients double their
    /// slashes and put a blank in front (T26).
    #[must_use]
    pub fn protocol(&self) -> Option<FunnelProtocol> {
        self.parts().find_map(FunnelProtocol::from_name)
    }

    /// Transport and port, or `None` without a [`protocol`](Self::protocol) or a port from 1 to
    /// 65,535 in the part after it. TCP needs no port: media share the control connection.
    ///
    /// The address is not returned: a server sends to the address that the client connects from,
    /// and to no other. Players write anything there (T26).
    #[must_use]
    pub fn parse(&self) -> Option<Funnel> {
        let mut parts = self.parts();
        let protocol = parts.find_map(FunnelProtocol::from_name)?;
        let port = parts.next()?;
        let digits = port.bytes().take_while(u8::is_ascii_digit).count();
        let port = port.get(..digits)?.parse().ok()?;
        Some(Funnel { protocol, port })
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split(['\\', '/']).map(str::trim).filter(|part| !part.is_empty())
    }
}

/// A transport for media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Funnel {
    /// Over which protocol.
    pub protocol: FunnelProtocol,
    /// The client's port.
    pub port: NonZeroU16,
}

/// The protocol that carries media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FunnelProtocol {
    /// The control connection.
    Tcp,
    /// Datagrams to the client's port.
    Udp,
}

impl FunnelProtocol {
    fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("TCP") {
            Some(Self::Tcp)
        } else if name.eq_ignore_ascii_case("UDP") || name.eq_ignore_ascii_case("CUBDD") {
            Some(Self::Udp)
        } else {
            None
        }
    }
}

/// The server accepts the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportConnectedFunnel {
    /// Whether the session may go on.
    pub hr: HResult,
}

impl Body for ReportConnectedFunnel {
    const ID: MessageId = MessageId::REPORT_CONNECTED_FUNNEL;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        // packetPayloadSize and the name follow: garbage and half a name from some servers.
        let (_, hr) = u32_le("hr").parse(body)?;
        Ok((&[], Self { hr: HResult(hr) }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(0); // playIncarnation, not used
        out.put_u32_le(0); // packetPayloadSize, not used
        for unit in "Funnel Of The Gods".encode_utf16() {
            out.put_u16_le(unit);
        }
    }
}

/// The server refuses the transport; the client may try another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportDisconnectedFunnel {
    /// Why.
    pub hr: HResult,
}

impl Body for ReportDisconnectedFunnel {
    const ID: MessageId = MessageId::REPORT_DISCONNECTED_FUNNEL;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (_, (hr, _)) = hr_and_incarnation(body)?;
        Ok((&[], Self { hr }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(0); // playIncarnation, not used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn funnel_names_of_real_players() {
        // MMSP-W-039, MMSP-S-014, MMSP-S-015
        let tcp = |port| Some((FunnelProtocol::Tcp, port));
        let udp = |port| Some((FunnelProtocol::Udp, port));
        for (text, expected) in [
            ("\\\\192.168.0.129\\TCP\\1037", tcp(1037)),
            ("\\\\192.168.0.1\\TCP\\1242", tcp(1242)),
            ("\\\\192.168.0.1\\TCP\\12420\u{30}", None),
            ("\\\\::1\\UDP\\7000", udp(7000)),
            ("//10.0.0.1/tcp/1755 junk", tcp(1755)),
            ("\\\\1.2.3.4\\CUBDD\\2000", udp(2000)),
            ("\\\\1.2.3.4\\SCTP\\2000", None),
            ("\\\\1.2.3.4\\TCP\\0", None),
            ("\\\\1.2.3.4\\TCP\\65536", None),
            ("\\\\1.2.3.4\\TCP\\", None),
            ("\\\\1.2.3.4\\TCP", None),
            ("", None),
        ] {
            let parsed = FunnelName(text.to_owned()).parse();
            assert_eq!(parsed.map(|f| (f.protocol, f.port.get())), expected, "{text}");
        }
        for address in ["192.168.7.1", "fe80::1"] {
            let funnel = Funnel { protocol: FunnelProtocol::Tcp, port: NonZeroU16::MIN };
            let name = FunnelName::new(address.parse().unwrap(), funnel);
            assert_eq!(name.as_str(), format!("\\\\{address}\\TCP\\1"));
            assert_eq!(name.parse(), Some(funnel));
        }
    }

    #[test]
    fn odd_funnel_names_of_old_clients() {
        // MMSP-S-014, MMSP-S-016
        let (tcp, udp) = (Some(FunnelProtocol::Tcp), Some(FunnelProtocol::Udp));
        for (text, protocol, port) in [
            ("127.0.0.1//TCP//32840//0000000", tcp, Some(32840)),
            ("127.0.0.1\\TCP\\32840\\0000000", tcp, Some(32840)),
            (" //10.0.0.1/TCP/1234", tcp, Some(1234)),
            ("//10.0.0.1/TCP/1234", tcp, Some(1234)),
            ("\\\\10.0.0.1\\ tcp \\ 1234", tcp, Some(1234)),
            ("\\\\1.2.3.4\\TCP\\0", tcp, None),
            ("\\\\1.2.3.4\\TCP\\65536", tcp, None),
            ("\\\\1.2.3.4\\Tcp", tcp, None),
            ("TCP", tcp, None),
            ("////1.2.3.4//uDp//7000//0", udp, Some(7000)),
            ("//1.2.3.4/UDP/0", udp, None),
            ("\\\\1.2.3.4\\CuBdd\\", udp, None),
            // The word is a part of its own.
            ("\\\\1.2.3.4\\TCP2\\1037", None, None),
            ("\\\\1.2.3.4\\1037", None, None),
            ("TCP 1037", None, None),
            (" /\\ / ", None, None),
        ] {
            let name = FunnelName(text.to_owned());
            assert_eq!(name.protocol(), protocol, "{text}");
            assert_eq!(name.parse().map(|funnel| funnel.port.get()), port, "{text}");
        }
    }
}
