//! Bytes read as decisions. There is always a next one: behind the end everything is zero.

use crate::mmsp::message::FileAttributes;
use crate::request::Position;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;

use crate::auth::ServerChallenge;
use crate::content::Content;
use crate::event::Redirect;
use crate::hresult::HResult;
use crate::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientLog, ClientMessage, CloseFile, Connect, ConnectFunnel,
    Funnel, FunnelInfo, FunnelName, FunnelProtocol, Logging, MessageId, OpenFile, OpenedFile,
    PacketPair, Ping, Pong, ReadBlock, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportRedirect, ReportStartStriding, ReportStartedPlaying, ReportStreamChange,
    ReportStreamSwitch, SecurityChallenge, SecurityResponse, ServerMessage, StartPlaying,
    StartStriding, StopPlaying, StreamSwitch,
};
use crate::request::{Accel, PlayRequest, Rate, Start, Stop};
use crate::stream::{Delivery, StreamNumber, StreamSelection};

/// What is left of the input.
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((array, rest)) => {
                self.0 = rest;
                *array
            }
            None => {
                self.0 = &[];
                [0; N]
            }
        }
    }

    pub(super) fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// Mostly a small number, sometimes any.
    pub(super) fn number(&mut self) -> u32 {
        match self.byte() {
            u8::MAX => self.u32(),
            small => small.into(),
        }
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 != 0
    }

    /// As many bytes as the next two say.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.u16()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn blob(&mut self) -> Bytes {
        Bytes::copy_from_slice(self.bytes())
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// From nothing to centuries.
    pub(super) fn time(&mut self) -> Duration {
        match self.byte() % 48 {
            0 => Duration::ZERO,
            power => Duration::from_millis(1 << power),
        }
    }

    pub(super) fn hresult(&mut self) -> HResult {
        match self.byte() {
            0 => HResult::OK,
            1 => HResult::FALSE,
            2 => HResult::FILE_NOT_FOUND,
            3 => HResult::FAIL,
            _ => HResult(self.u32()),
        }
    }

    fn stream(&mut self) -> Option<StreamNumber> {
        StreamNumber::new(self.byte() & 0x7F)
    }

    pub(super) fn selections(&mut self) -> Vec<StreamSelection> {
        let count = self.byte() % 8;
        (0..count)
            .filter_map(|_| {
                let stream = self.stream()?;
                let delivery = match self.byte() % 4 {
                    0 => Delivery::Full,
                    1 => Delivery::KeyFramesOnly,
                    2 => Delivery::Off,
                    _ => return Some(StreamSelection::replace(self.stream()?, stream)),
                };
                Some(StreamSelection::new(stream, delivery))
            })
            .collect()
    }

    fn start(&mut self) -> Start {
        match self.byte() % 4 {
            0 => Start::Beginning,
            1 => Start::Time(self.time()),
            2 => Start::packet(self.number()).unwrap_or_default(),
            _ => Position::new(self.number())
                .map_or_else(Start::default, |offset| Start::ByteOffset(offset.get().into())),
        }
    }

    fn stop(&mut self) -> Option<Stop> {
        match self.byte() % 3 {
            0 => None,
            1 => Stop::at(self.time()),
            _ => Stop::after(self.time()),
        }
    }

    fn accel(&mut self) -> Option<Accel> {
        self.flag().then(|| Accel {
            bandwidth: self.number(),
            duration: self.number(),
            link_bandwidth: self.flag().then(|| self.number()),
        })
    }

    fn rate(&mut self) -> Rate {
        // 0 is normal speed; the others are fast, slow and backwards.
        let quarters = f64::from(self.byte() % 40) - 20.0;
        if quarters == -20.0 {
            Rate::NORMAL
        } else {
            Rate::new(quarters / 4.0).unwrap_or(Rate::NORMAL)
        }
    }

    pub(super) fn play_request(&mut self) -> PlayRequest {
        let mut request = PlayRequest::select(self.selections());
        (request.start, request.stop) = (self.start(), self.stop());
        (request.rate, request.accel) = (self.rate(), self.accel());
        request
    }

    /// Content with a header of up to 4 KiB in pieces of at least 16 bytes.
    pub(super) fn content(&mut self) -> Content {
        let length = usize::from(self.u16() % 4096).saturating_add(1);
        let packet_size = u32::from(self.u16() % 2048).saturating_add(16);
        let (bit_rate, count, attributes) = (self.number(), self.number(), self.byte());
        content(length, packet_size)
            .with_bit_rate(bit_rate.saturating_mul(1000))
            .with_packet_count(count.into())
            .with_features(FileAttributes(u32::from(attributes) << 23).into())
    }

    pub(super) fn redirect(&mut self) -> Redirect {
        match self.byte() % 3 {
            0 => Redirect::Url(format!("mms://{}", self.text())),
            1 => Redirect::Proxy(None),
            _ => Redirect::Proxy(Some(self.text())),
        }
    }

    pub(super) fn challenge(&mut self) -> ServerChallenge {
        if self.flag() {
            ServerChallenge::Ntlm { token: self.blob() }
        } else {
            ServerChallenge::Basic { realm: self.text() }
        }
    }

    pub(super) fn client_message(&mut self) -> ClientMessage {
        let pair = |yes| if yes { PacketPair::Yes } else { PacketPair::No };
        match self.byte() % 15 {
            0 => Connect { packet_pair: pair(self.flag()), subscriber: self.text(), host: None }
                .into(),
            1 => FunnelInfo { test: self.bandwidth_test() }.into(),
            2 => {
                let protocol = if self.flag() { FunnelProtocol::Udp } else { FunnelProtocol::Tcp };
                let funnel = Funnel { protocol, port: NonZeroU16::MIN };
                let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
                ConnectFunnel { funnel: FunnelName::new(address, funnel) }.into()
            }
            3 => OpenFile { incarnation: self.number(), path: self.text(), token: self.blob() }
                .into(),
            4 => SecurityResponse {
                incarnation: self.number(),
                cookie: self.number(),
                token: self.blob(),
            }
            .into(),
            5 => ReadBlock { open_file_id: self.file(), incarnation: self.number() }.into(),
            6 => CancelReadBlock { incarnation: self.number() }.into(),
            7 => StreamSwitch { selections: self.selections() }.into(),
            8 => StartPlaying {
                open_file_id: self.file(),
                incarnation: self.number(),
                start: self.start(),
                stop: self.stop(),
                accel: self.accel(),
            }
            .into(),
            9 => StartStriding {
                open_file_id: self.file(),
                incarnation: self.number(),
                start: self.start(),
                rate: self.rate(),
            }
            .into(),
            10 => StopPlaying { open_file_id: self.file(), incarnation: self.number() }.into(),
            11 => Pong.into(),
            12 => Logging { open_file_id: 0, log: Box::<ClientLog>::default() }.into(),
            13 => CloseFile { open_file_id: self.file() }.into(),
            _ => {
                let (id, body) = self.unknown(0x0003_0000);
                ClientMessage::Unknown { id, body }
            }
        }
    }

    pub(super) fn server_message(&mut self) -> ServerMessage {
        match self.byte() % 15 {
            0 => ReportConnectedEx {
                hr: self.hresult(),
                packet_pair: if self.flag() { PacketPair::Yes } else { PacketPair::No },
                server_version: match self.byte() % 4 {
                    0 => "9.01.01.3814".to_owned(),
                    1 => "4.1.0.3934".to_owned(),
                    2 => String::new(),
                    _ => self.text(),
                },
                upgrade_version: String::new(),
                upgrade_url: String::new(),
                authentication: match self.byte() % 3 {
                    0 => String::new(),
                    1 => "BASIC".to_owned(),
                    _ => "NTLM".to_owned(),
                },
            }
            .into(),
            1 => ReportFunnelInfo {
                hr: self.hresult(),
                test: self.bandwidth_test(),
                client_id: self.number(),
                packet_pair: self.blob(),
            }
            .into(),
            2 => ReportConnectedFunnel { hr: self.hresult() }.into(),
            3 => ReportDisconnectedFunnel { hr: self.hresult() }.into(),
            4 => {
                let hr = self.hresult();
                let incarnation = self.number();
                let result = hr.failure().map_or_else(|| Ok(self.opened_file()), Err);
                ReportOpenFile { incarnation, result }.into()
            }
            5 => {
                let (hr, target) = (self.hresult(), self.redirect());
                ReportRedirect { hr, target }.into()
            }
            6 => SecurityChallenge {
                incarnation: self.number(),
                cookie: self.number(),
                token: self.blob(),
            }
            .into(),
            7 => ReportReadBlock { hr: self.hresult(), incarnation: self.number() }.into(),
            8 => ReportStreamSwitch { hr: self.hresult() }.into(),
            9 => ReportStartedPlaying {
                hr: self.hresult(),
                incarnation: self.number(),
                open_file_id: self.file(),
            }
            .into(),
            10 => ReportStartStriding { hr: self.hresult(), incarnation: self.number() }.into(),
            11 => ReportEndOfStream { hr: self.hresult(), incarnation: self.number() }.into(),
            12 => ReportStreamChange {
                hr: self.hresult(),
                packet_size: self.u16().into(),
                header_size: self.number(),
                bit_rate: self.number(),
            }
            .into(),
            13 => Ping.into(),
            _ => {
                let (id, body) = self.unknown(0x0004_0000);
                ServerMessage::Unknown { id, body }
            }
        }
    }

    fn opened_file(&mut self) -> OpenedFile {
        OpenedFile {
            open_file_id: self.file(),
            attributes: FileAttributes(u32::from(self.byte()) << 23),
            duration: self.time(),
            packet_size: self.u16().into(),
            packet_count: self.number().into(),
            bit_rate: self.number(),
            header_size: self.number(),
        }
    }

    fn bandwidth_test(&mut self) -> BandwidthTest {
        match self.byte() % 4 {
            0 => BandwidthTest::None,
            1 => BandwidthTest::Tcp,
            2 => BandwidthTest::TcpHighEntropy,
            _ => BandwidthTest::UdpHighEntropy,
        }
    }

    /// Mostly the name of the only file, 1.
    fn file(&mut self) -> u32 {
        self.number().saturating_add(1)
    }

    fn unknown(&mut self, direction: u32) -> (MessageId, Bytes) {
        (MessageId(direction | u32::from(self.byte())), self.blob())
    }
}

/// Content with a header of so many bytes.
pub(super) fn content(length: usize, packet_size: u32) -> Content {
    let mut header: Vec<u8> = (0..=u8::MAX).collect::<Vec<u8>>().repeat(length.div_ceil(256));
    header.truncate(length);
    match Content::new(header.into()).and_then(|content| content.with_packet_size(packet_size)) {
        Ok(content) => content,
        Err(error) => unreachable!("{error}"),
    }
}
