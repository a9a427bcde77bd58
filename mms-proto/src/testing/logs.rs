//! Random reports of a client.

use std::net::{IpAddr, Ipv4Addr};

use proptest::option;
use proptest::prelude::*;

use super::fields::{duration, text};
use crate::client_log::{LogClient, LogPlayback, LogReception, Transport};
use crate::mmsp::message::{ClientLog, LogVersion, Logging};

/// A version of four parts.
pub fn log_version() -> impl Strategy<Value = LogVersion> {
    any::<[u16; 4]>().prop_map(LogVersion)
}

/// Text for a log field: sometimes a single hyphen, sometimes too long for every field.
fn log_text() -> impl Strategy<Value = String> {
    prop_oneof![8 => text(), 1 => Just("-".to_owned()), 1 => Just("long ".repeat(60))]
}

/// The part of a log that `CLIENT_LOG_INFO` carries.
fn client_log_info() -> impl Strategy<Value = ClientLog> {
    let texts = proptest::array::uniform9(log_text());
    let times = proptest::array::uniform4(duration());
    let numbers = any::<([u32; 5], [u64; 2], i16)>();
    (texts, times, numbers, log_version(), log_version()).prop_map(
        |(texts, times, numbers, client_version, program_version)| {
            let [url, channel_url, user_agent, web_page, language, guid, program, audio, video] =
                texts;
            let [file_duration, start_time, played, buffering_time] = times;
            let (words, [file_size, bytes_received], rate) = numbers;
            let [bandwidth, buffering_count, packets_received, packets_lost_in_client, quality] =
                words;
            let client = LogClient {
                user_agent,
                web_page,
                client_version,
                language,
                guid,
                program,
                program_version,
                ..LogClient::default()
            };
            let playback = LogPlayback {
                url,
                channel_url,
                file_duration,
                file_size,
                audio_codec: audio,
                video_codec: video,
                start_time,
                played,
                rate,
                buffering_count,
                buffering_time,
            };
            let reception = LogReception {
                bandwidth,
                bytes_received,
                packets_received,
                packets_lost_in_client,
                quality,
                ..LogReception::default()
            };
            ClientLog { client, playback, reception }
        },
    )
}

/// `LinkViewerToMacLogging`
pub fn logging() -> impl Strategy<Value = Logging> {
    let texts = proptest::array::uniform3(log_text());
    let numbers = any::<([u32; 6], bool)>();
    (client_log_info(), texts, option::of(any::<Ipv4Addr>()), log_version(), numbers).prop_map(
        |(mut log, [computer_name, os, cpu], address, os_version, (numbers, udp))| {
            let [
                open_file_id,
                packets_lost,
                longest_loss,
                resend_requests,
                packets_recovered,
                packets_resent,
            ] = numbers;
            let address = address.map(IpAddr::from);
            log.client = LogClient { address, computer_name, os, os_version, cpu, ..log.client };
            log.reception = LogReception {
                transport: if udp { Transport::Udp } else { Transport::Tcp },
                packets_lost,
                longest_loss,
                resend_requests,
                packets_recovered,
                packets_resent,
                ..log.reception
            };
            Logging { open_file_id, log: Box::new(log) }
        },
    )
}
