//! What a client reports about what it played, MS-MMSP 2.2.4.20, 2.2.1.1 and 2.2.1.2.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{ansi, bytes, put_ansi, u16_le, u32_le, u64_le};
use super::{Body, Deviation, MessageId, Wire};
use crate::client_log::{ClientLog, ClientLogInfo, LogVersion};

/// The client's report, sent after every stop and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The report.
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
        let (rest, info) = parse_info(rest)?;
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
        let log = ClientLog {
            info,
            open_file_id,
            address: (address != NO_ADDRESS).then(|| Ipv4Addr::from(address.to_le_bytes())),
            computer_name,
            os,
            os_version,
            cpu,
            udp: transport.eq_ignore_ascii_case("UDP"),
            packets_lost,
            longest_loss,
            resend_requests,
            packets_recovered,
            packets_resent,
        };
        Ok((rest, Self { log: Box::new(log) }))
    }

    fn put(&self, out: &mut BytesMut) {
        let log = &*self.log;
        out.put_u32_le(LOG_SIZE);
        put_info(out, &log.info);
        out.put_u32_le(log.open_file_id);
        let address =
            log.address.map_or(NO_ADDRESS, |address| u32::from_le_bytes(address.octets()));
        out.put_u32_le(address);
        put_ansi(out, &log.computer_name, 260);
        put_ansi(out, &log.os, 16);
        put_version(out, log.os_version);
        put_ansi(out, &log.cpu, 16);
        put_ansi(out, "mms", 8);
        put_ansi(out, if log.udp { "UDP" } else { "TCP" }, 8);
        out.put_u32_le(log.packets_lost);
        out.put_u32_le(log.longest_loss);
        out.put_u32_le(log.resend_requests);
        out.put_u32_le(log.packets_recovered);
        out.put_u32_le(log.packets_resent);
    }
}

fn parse_info(body: &[u8]) -> Wire<'_, ClientLogInfo> {
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
    let info = ClientLogInfo {
        url,
        channel_url,
        user_agent,
        web_page,
        client_version,
        language,
        guid,
        program,
        program_version,
        file_duration,
        file_size,
        bandwidth,
        audio_codec,
        video_codec,
        start_time,
        played,
        rate,
        buffering_count,
        buffering_time,
        bytes_received,
        packets_received,
        packets_lost,
        quality,
    };
    Ok((rest, info))
}

fn put_info(out: &mut BytesMut, info: &ClientLogInfo) {
    out.put_u32_le(INFO_SIZE);
    put_ansi(out, &info.url, 260);
    put_ansi(out, &info.channel_url, 260);
    put_ansi(out, &info.user_agent, 64);
    put_ansi(out, &info.web_page, 260);
    put_version(out, info.client_version);
    put_ansi(out, &info.language, 16);
    put_ansi(out, &info.guid, 40);
    put_ansi(out, &info.program, 32);
    put_version(out, info.program_version);
    put_milliseconds(out, info.file_duration);
    out.put_u64_le(info.file_size);
    out.put_u32_le(info.bandwidth);
    put_ansi(out, &info.audio_codec, 64);
    put_ansi(out, &info.video_codec, 64);
    put_milliseconds(out, info.start_time);
    put_milliseconds(out, info.played);
    out.put_i16_le(info.rate);
    out.put_u32_le(info.buffering_count);
    put_milliseconds(out, info.buffering_time);
    out.put_u64_le(info.bytes_received);
    out.put_u32_le(info.packets_received);
    out.put_u32_le(info.packets_lost);
    out.put_u32_le(0); // dwPacketsRecoveredECC
    out.put_u32_le(info.quality.min(100));
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
