//! What a client reports about what it played, MS-MMSP 2.2.4.20, 2.2.1.1 and 2.2.1.2.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{ansi, bytes, put_ansi, u16_le, u32_le, u64_le};
use super::{Body, Deviation, MessageId, Wire};
use crate::client_log::{ClientLog, LogVersion, Transport};

/// The client's report, sent after every stop and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The file, as the server named it.
    #[doc(alias = "dwSourceId")]
    pub open_file_id: u32,
    /// The report. Texts are single-byte; longer ones are cut to their field, empty ones are sent as
    /// "-", and an IPv6 address as none.
    pub log: Box<ClientLog>,
}

/// Bytes of `CLIENT_LOG`.
const LOG_SIZE: u32 = 1490;
/// Bytes of `CLIENT_LOG_INFO`.
const INFO_SIZE: u32 = 1142;
/// Stands in `dwIPAddress` for an address that is kept private.
const NO_ADDRESS: u32 = u32::MAX;

impl Body for Logging {
    const ID: MessageId = MessageId::LOGGING;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, _) = u32_le("cbSize").parse(body)?;
        let mut log = Box::<ClientLog>::default();
        let rest = parse_info(rest, &mut log)?;
        let (rest, (open_file_id, address, computer_name, os, os_version, cpu)) = (
            u32_le("dwSourceId"),
            u32_le("dwIPAddress"),
            text("szComputerDNS", 260),
            text("szOS", 16),
            version("qwOSVersion"),
            text("szCPU", 16),
        )
            .parse(rest)?;
        let (rest, (_, transport)) = (bytes("szProto", 8), text("szTransport", 8)).parse(rest)?;
        let (
            rest,
            (packets_lost, longest_loss, resend_requests, packets_recovered, packets_resent),
        ) = (
            u32_le("dwPacketsLostNet"),
            u32_le("dwPacketsLostContNet"),
            u32_le("dwResendRequests"),
            u32_le("dwPacketsRecoveredResent"),
            u32_le("dwPacketsResent"),
        )
            .parse(rest)?;
        let ClientLog { client, reception, .. } = &mut *log;
        client.address =
            (address != NO_ADDRESS).then(|| Ipv4Addr::from(address.to_le_bytes()).into());
        (client.computer_name, client.os, client.os_version, client.cpu) =
            (computer_name, os, os_version, cpu);
        if transport.eq_ignore_ascii_case("UDP") {
            reception.transport = Transport::Udp;
        }
        (reception.packets_lost, reception.longest_loss) = (packets_lost, longest_loss);
        (reception.resend_requests, reception.packets_recovered, reception.packets_resent) =
            (resend_requests, packets_recovered, packets_resent);
        Ok((rest, Self { open_file_id, log }))
    }

    fn put(&self, out: &mut BytesMut) {
        let log = &*self.log;
        out.put_u32_le(LOG_SIZE);
        put_info(out, log);
        out.put_u32_le(self.open_file_id);
        let ClientLog { client, reception, .. } = log;
        let address = match client.address {
            Some(IpAddr::V4(address)) => u32::from_le_bytes(address.octets()),
            Some(IpAddr::V6(_)) | None => NO_ADDRESS,
        };
        out.put_u32_le(address);
        put_ansi(out, &client.computer_name, 260);
        put_ansi(out, &client.os, 16);
        put_version(out, client.os_version);
        put_ansi(out, &client.cpu, 16);
        put_ansi(out, "mms", 8);
        put_ansi(out, if reception.transport == Transport::Udp { "UDP" } else { "TCP" }, 8);
        out.put_u32_le(reception.packets_lost);
        out.put_u32_le(reception.longest_loss);
        out.put_u32_le(reception.resend_requests);
        out.put_u32_le(reception.packets_recovered);
        out.put_u32_le(reception.packets_resent);
    }
}

/// Reads `CLIENT_LOG_INFO` into the report, and returns what follows it.
fn parse_info<'a>(
    body: &'a [u8],
    log: &mut ClientLog,
) -> Result<&'a [u8], nom::Err<super::wire::Fault>> {
    let (rest, (_, url, channel_url, user_agent, web_page, client_version, language, guid)) = (
        u32_le("cbSize"),
        text("szURL", 260),
        text("szChannelURL", 260),
        text("szUserAgent", 64),
        text("szHostingWebPage", 260),
        version("qwClientVersion"),
        text("szLang", 16),
        text("szUniquePID", 40),
    )
        .parse(body)?;
    let (rest, (program, program_version, file_duration, file_size, bandwidth)) = (
        text("szHostExe", 32),
        version("qwHostExeVer"),
        milliseconds("msFileDuration"),
        u64_le("qwFileSize"),
        u32_le("dwAvgBandwidthBps"),
    )
        .parse(rest)?;
    let (rest, (audio_codec, video_codec, start_time, played, rate)) = (
        text("szAudioCodec", 64),
        text("szVideoCodec", 64),
        milliseconds("msStartTime"),
        milliseconds("msPlayed"),
        u16_le("rate").map(|bits| i16::from_le_bytes(bits.to_le_bytes())),
    )
        .parse(rest)?;
    let (rest, (buffering_count, buffering_time, bytes_received, packets_received)) = (
        u32_le("dwBufferingCount"),
        milliseconds("msBufferingTime"),
        u64_le("qwBytesReceived"),
        u32_le("dwPacketsReceived"),
    )
        .parse(rest)?;
    let (rest, (packets_lost, _, quality, _)) = (
        u32_le("dwPacketsLostClient"),
        u32_le("dwPacketsRecoveredECC"),
        u32_le("dwMinReceptionQuality"),
        u32_le("hr"),
    )
        .parse(rest)?;
    let ClientLog { client, playback, reception } = log;
    client.user_agent = user_agent;
    client.web_page = web_page;
    client.client_version = client_version;
    client.language = language;
    client.guid = guid;
    client.program = program;
    client.program_version = program_version;
    playback.url = url;
    playback.channel_url = channel_url;
    playback.file_duration = file_duration;
    playback.file_size = file_size;
    playback.audio_codec = audio_codec;
    playback.video_codec = video_codec;
    playback.start_time = start_time;
    playback.played = played;
    playback.rate = rate;
    playback.buffering_count = buffering_count;
    playback.buffering_time = buffering_time;
    reception.bandwidth = bandwidth;
    reception.bytes_received = bytes_received;
    reception.packets_received = packets_received;
    reception.packets_lost_in_client = packets_lost;
    reception.quality = quality;
    Ok(rest)
}

fn put_info(out: &mut BytesMut, log: &ClientLog) {
    let ClientLog { client, playback, reception } = log;
    out.put_u32_le(INFO_SIZE);
    put_ansi(out, &playback.url, 260);
    put_ansi(out, &playback.channel_url, 260);
    put_ansi(out, &client.user_agent, 64);
    put_ansi(out, &client.web_page, 260);
    put_version(out, client.client_version);
    put_ansi(out, &client.language, 16);
    put_ansi(out, &client.guid, 40);
    put_ansi(out, &client.program, 32);
    put_version(out, client.program_version);
    put_milliseconds(out, playback.file_duration);
    out.put_u64_le(playback.file_size);
    out.put_u32_le(reception.bandwidth);
    put_ansi(out, &playback.audio_codec, 64);
    put_ansi(out, &playback.video_codec, 64);
    put_milliseconds(out, playback.start_time);
    put_milliseconds(out, playback.played);
    out.put_i16_le(playback.rate);
    out.put_u32_le(playback.buffering_count);
    put_milliseconds(out, playback.buffering_time);
    out.put_u64_le(reception.bytes_received);
    out.put_u32_le(reception.packets_received);
    out.put_u32_le(reception.packets_lost_in_client);
    out.put_u32_le(0); // dwPacketsRecoveredECC
    out.put_u32_le(reception.quality.min(100));
    out.put_u32_le(0); // hr
}

fn text<'a>(
    field: &'static str,
    size: usize,
) -> impl nom::Parser<&'a [u8], Output = String, Error = super::wire::Fault> {
    bytes(field, size).map(|table| {
        let text = ansi(table);
        if text == "-" { String::new() } else { text }
    })
}

fn milliseconds<'a>(
    field: &'static str,
) -> impl nom::Parser<&'a [u8], Output = Duration, Error = super::wire::Fault> {
    u32_le(field).map(|value| Duration::from_millis(value.into()))
}

fn put_milliseconds(out: &mut BytesMut, time: Duration) {
    out.put_u32_le(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
}

/// Four parts in 64 bits, the major one in the top 16.
fn version<'a>(
    field: &'static str,
) -> impl nom::Parser<&'a [u8], Output = LogVersion, Error = super::wire::Fault> {
    (u16_le(field), u16_le(field), u16_le(field), u16_le(field))
        .map(|(d, c, b, a)| LogVersion([a, b, c, d]))
}

fn put_version(out: &mut BytesMut, LogVersion([a, b, c, d]): LogVersion) {
    for part in [d, c, b, a] {
        out.put_u16_le(part);
    }
}
