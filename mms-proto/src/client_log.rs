//! What a client reports about what it played (MS-WMLOG). Every protocol has such reports; how they
//! are written, and how long a text may be, is the protocol's.

use std::net::IpAddr;
use std::time::Duration;

/// A report about one play command.
#[doc(alias = "CLIENT_LOG")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ClientLog {
    /// Who played.
    pub client: LogClient,
    /// What was played.
    pub playback: LogPlayback,
    /// How it came.
    pub reception: LogReception,
}

/// The player and the machine that it runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LogClient {
    /// The client's address; `None` keeps it private.
    #[doc(alias = "dwIPAddress")]
    pub address: Option<IpAddr>,
    /// The client's host name; empty keeps it private.
    #[doc(alias = "szComputerDNS")]
    pub computer_name: String,
    /// Operating system.
    #[doc(alias = "szOS")]
    pub os: String,
    /// Its version.
    #[doc(alias = "qwOSVersion")]
    pub os_version: LogVersion,
    /// Processor.
    #[doc(alias = "szCPU")]
    pub cpu: String,
    /// What the player calls itself.
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
    /// Name of the program.
    #[doc(alias = "szHostExe")]
    pub program: String,
    /// Its version.
    #[doc(alias = "qwHostExeVer")]
    pub program_version: LogVersion,
}

/// The content, and the part of it that was played.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LogPlayback {
    /// URL of the content.
    #[doc(alias = "szURL")]
    pub url: String,
    /// URL of the channel's description (`.nsc`), if there is one.
    #[doc(alias = "szChannelURL")]
    pub channel_url: String,
    /// Playing time of the content; zero when live.
    #[doc(alias = "msFileDuration")]
    pub file_duration: Duration,
    /// Size of the content in bytes; zero when live.
    #[doc(alias = "qwFileSize")]
    pub file_size: u64,
    /// Name of the audio codec.
    #[doc(alias = "szAudioCodec")]
    pub audio_codec: String,
    /// Name of the video codec.
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
}

/// The way of the media to the client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LogReception {
    /// The way that media came.
    #[doc(alias = "szTransport")]
    pub transport: Transport,
    /// Average rate of reception in bits per second.
    #[doc(alias = "dwAvgBandwidthBps")]
    pub bandwidth: u32,
    /// Bytes of media received.
    #[doc(alias = "qwBytesReceived")]
    pub bytes_received: u64,
    /// Packets of media received.
    #[doc(alias = "dwPacketsReceived")]
    pub packets_received: u32,
    /// Packets lost in the client.
    #[doc(alias = "dwPacketsLostClient")]
    pub packets_lost_in_client: u32,
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
    /// Worst reception of the last 30 seconds in percent; sent as at most 100.
    #[doc(alias = "dwMinReceptionQuality")]
    pub quality: u32,
}

/// The way that media came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// With the control messages, over TCP.
    #[default]
    Tcp,
    /// As datagrams.
    Udp,
    /// In HTTP responses.
    Http,
}

/// A version of four parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LogVersion(pub [u16; 4]);
