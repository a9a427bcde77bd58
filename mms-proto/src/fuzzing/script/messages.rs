//! Messages of MS-MMSP.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

use bytes::Bytes;

use super::Script;
use crate::client_log::{ClientLog, LogClient, LogPlayback, LogReception, LogVersion, Transport};
use crate::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, CloseFile, Connect, ConnectFunnel,
    FileAttributes, Funnel, FunnelInfo, FunnelName, FunnelProtocol, Logging, MessageId, OpenFile,
    OpenedFile, PacketPair, Ping, Pong, ReadBlock, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportRedirect, ReportStartStriding, ReportStartedPlaying, ReportStreamChange,
    ReportStreamSwitch, SecurityChallenge, SecurityResponse, ServerMessage, StartPlaying,
    StartStriding, StopPlaying, StreamSwitch,
};

impl Script<'_> {
    pub(crate) fn client_message(&mut self) -> ClientMessage {
        let pair = |yes| if yes { PacketPair::Yes } else { PacketPair::No };
        match self.byte() % 15 {
            0 => {
                let (packet_pair, subscriber) = (pair(self.flag()), self.text());
                let host = (self.wide && self.flag()).then(|| self.text());
                Connect { packet_pair, subscriber, host }.into()
            }
            1 => FunnelInfo { test: self.bandwidth_test() }.into(),
            2 => {
                let protocol = if self.flag() { FunnelProtocol::Udp } else { FunnelProtocol::Tcp };
                let (port, address) = if self.wide {
                    let port = NonZeroU16::new(self.u16()).unwrap_or(NonZeroU16::MAX);
                    (port, self.address())
                } else {
                    (NonZeroU16::MIN, IpAddr::V4(Ipv4Addr::LOCALHOST))
                };
                let funnel = Funnel { protocol, port };
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
            12 if self.wide => {
                Logging { open_file_id: self.u32(), log: Box::new(self.log()) }.into()
            }
            12 => Logging { open_file_id: 0, log: Box::<ClientLog>::default() }.into(),
            13 => CloseFile { open_file_id: self.file() }.into(),
            _ => {
                let (id, body) = self.unknown(0x0003_0000);
                ClientMessage::Unknown { id, body }
            }
        }
    }

    pub(crate) fn server_message(&mut self) -> ServerMessage {
        match self.byte() % 15 {
            0 => ReportConnectedEx {
                hr: self.hresult(),
                packet_pair: if self.flag() { PacketPair::Yes } else { PacketPair::No },
                server_version: match self.byte() % 4 {
                    _ if self.wide => self.text(),
                    0 => "9.01.01.3814".to_owned(),
                    1 => "4.1.0.3934".to_owned(),
                    2 => String::new(),
                    _ => self.text(),
                },
                upgrade_version: if self.wide { self.text() } else { String::new() },
                upgrade_url: if self.wide { self.text() } else { String::new() },
                authentication: match self.byte() % 3 {
                    _ if self.wide => self.text(),
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
                packet_size: if self.wide { self.u32() } else { self.u16().into() },
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
        if self.wide {
            return OpenedFile {
                open_file_id: self.u32(),
                attributes: FileAttributes(self.u32()),
                duration: self.time(),
                packet_size: self.u32(),
                packet_count: self.u64(),
                bit_rate: self.u32(),
                header_size: self.u32(),
            };
        }
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
        if self.wide {
            return self.u32();
        }
        self.number().saturating_add(1)
    }

    fn unknown(&mut self, direction: u32) -> (MessageId, Bytes) {
        if !self.wide {
            return (MessageId(direction | u32::from(self.byte())), self.blob());
        }
        let id = match self.byte() {
            0..=127 => direction | u32::from(self.byte() & 0x3F),
            _ => self.u32(),
        };
        // None of the known ones.
        let id = if MessageId(id).name().is_some() { direction | 0x3F } else { id };
        (MessageId(id), self.blob())
    }

    fn address(&mut self) -> IpAddr {
        if self.flag() { IpAddr::V4(self.array().into()) } else { IpAddr::V6(self.array().into()) }
    }

    /// Text for a log field: sometimes a single hyphen, sometimes too long for every field.
    fn log_text(&mut self) -> String {
        match self.byte() {
            0..=24 => "-".to_owned(),
            25..=49 => "long ".repeat(60),
            _ => self.text(),
        }
    }

    fn version(&mut self) -> LogVersion {
        LogVersion([(); 4].map(|()| self.u16()))
    }

    fn log(&mut self) -> ClientLog {
        let client = LogClient {
            address: self.flag().then(|| IpAddr::V4(self.array().into())),
            computer_name: self.log_text(),
            os: self.log_text(),
            os_version: self.version(),
            cpu: self.log_text(),
            user_agent: self.log_text(),
            web_page: self.log_text(),
            client_version: self.version(),
            language: self.log_text(),
            guid: self.log_text(),
            program: self.log_text(),
            program_version: self.version(),
        };
        let playback = LogPlayback {
            url: self.log_text(),
            channel_url: self.log_text(),
            file_duration: self.time(),
            file_size: self.u64(),
            audio_codec: self.log_text(),
            video_codec: self.log_text(),
            start_time: self.time(),
            played: self.time(),
            rate: i16::from_le_bytes(self.array()),
            buffering_count: self.u32(),
            buffering_time: self.time(),
        };
        let reception = LogReception {
            transport: if self.flag() { Transport::Udp } else { Transport::Tcp },
            bandwidth: self.u32(),
            bytes_received: self.u64(),
            packets_received: self.u32(),
            packets_lost_in_client: self.u32(),
            packets_lost: self.u32(),
            longest_loss: self.u32(),
            resend_requests: self.u32(),
            packets_recovered: self.u32(),
            packets_resent: self.u32(),
            quality: self.u32(),
        };
        ClientLog { client, playback, reception }
    }
}
