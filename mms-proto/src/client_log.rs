//! What a client reports about what it played, MS-MMSP 2.2.1 and MS-WMLOG. Every transport has such
//! reports; how they are written is the transport's.

use std::net::Ipv4Addr;
use std::time::Duration;

/// A report about one play command. Texts are single-byte; longer ones are cut to their field and
/// empty ones sent as "-".
#[doc(alias = "CLIENT_LOG")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientLog {
    /// The part that all transports share.
    pub info: ClientLogInfo,
    /// The file, as the server named it.
    #[doc(alias = "dwSourceId")]
    pub open_file_id: u32,
    /// The client's address; `None` keeps it private.
    #[doc(alias = "dwIPAddress")]
    pub address: Option<Ipv4Addr>,
    /// The client's host name, at most 259 characters; empty keeps it private.
    #[doc(alias = "szComputerDNS")]
    pub computer_name: String,
    /// Operating system, at most 15 characters.
    #[doc(alias = "szOS")]
    pub os: String,
    /// Its version.
    #[doc(alias = "qwOSVersion")]
    pub os_version: LogVersion,
    /// Processor, at most 15 characters.
    #[doc(alias = "szCPU")]
    pub cpu: String,
    /// True when media came over UDP.
    #[doc(alias = "szTransport")]
    pub udp: bool,
    /// Packets lost on the way.
    #[doc(alias = "dwPacketsLostNet")]
    pub packets_lost: u32,
    /// The longest run of lost packets.
    #[doc(alias = "dwPacketsLostContNet")]
    pub longest_loss: u32,
    /// Packets asked for again.
    #[doc(alias = "dwResendRequests")]
    pub resend_requests: u32,
    /// Packets that came in time after they were asked for again.
    #[doc(alias = "dwPacketsRecoveredResent")]
    pub packets_recovered: u32,
    /// Packets that came after they were asked for again.
    #[doc(alias = "dwPacketsResent")]
    pub packets_resent: u32,
}

/// The part of a report that does not depend on the transport.
#[doc(alias = "CLIENT_LOG_INFO")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientLogInfo {
    /// URL of the content, at most 259 characters.
    #[doc(alias = "szURL")]
    pub url: String,
    /// URL of the channel's description (`.nsc`), if there is one.
    #[doc(alias = "szChannelURL")]
    pub channel_url: String,
    /// What the player calls itself, at most 63 characters.
    #[doc(alias = "szUserAgent")]
    pub user_agent: String,
    /// URL of the page that the player sits in.
    #[doc(alias = "szHostingWebPage")]
    pub web_page: String,
    /// Version of the player.
    #[doc(alias = "qwClientVersion")]
    pub client_version: LogVersion,
    /// Language, such as "en-US".
    #[doc(alias = "szLang")]
    pub language: String,
    /// The session's GUID as text.
    #[doc(alias = "szUniquePID")]
    pub guid: String,
    /// Name of the program, at most 31 characters.
    #[doc(alias = "szHostExe")]
    pub program: String,
    /// Its version.
    #[doc(alias = "qwHostExeVer")]
    pub program_version: LogVersion,
    /// Playing time of the content; zero when live.
    #[doc(alias = "msFileDuration")]
    pub file_duration: Duration,
    /// Size of the content in bytes; zero when live.
    #[doc(alias = "qwFileSize")]
    pub file_size: u64,
    /// Average rate of reception in bits per second.
    #[doc(alias = "dwAvgBandwidthBps")]
    pub bandwidth: u32,
    /// Name of the audio codec, at most 63 characters.
    #[doc(alias = "szAudioCodec")]
    pub audio_codec: String,
    /// Name of the video codec, at most 63 characters.
    #[doc(alias = "szVideoCodec")]
    pub video_codec: String,
    /// Where playing began; zero when live.
    #[doc(alias = "msStartTime")]
    pub start_time: Duration,
    /// How long it played.
    #[doc(alias = "msPlayed")]
    pub played: Duration,
    /// Speed, 1 for normal.
    pub rate: i16,
    /// How many times the player had to wait for data.
    #[doc(alias = "dwBufferingCount")]
    pub buffering_count: u32,
    /// How long it waited.
    #[doc(alias = "msBufferingTime")]
    pub buffering_time: Duration,
    /// Bytes of media received.
    #[doc(alias = "qwBytesReceived")]
    pub bytes_received: u64,
    /// Packets of media received.
    #[doc(alias = "dwPacketsReceived")]
    pub packets_received: u32,
    /// Packets lost in the client.
    #[doc(alias = "dwPacketsLostClient")]
    pub packets_lost: u32,
    /// Worst reception of the last 30 seconds in percent; sent as at most 100.
    #[doc(alias = "dwMinReceptionQuality")]
    pub quality: u32,
}

/// A version of four parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LogVersion(pub [u16; 4]);
