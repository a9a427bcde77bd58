//! What format tags and four-character codes stand for.

/// The usual name of an audio format tag; `None` for one that is not known.
#[doc(alias = "wFormatTag")]
pub fn audio_codec(tag: u16) -> Option<&'static str> {
    Some(match tag {
        0x0001 => "PCM",
        0x0002 => "Microsoft ADPCM",
        0x0003 => "IEEE float",
        0x0006 => "A-law",
        0x0007 => "mu-law",
        0x000A => "WMA Voice",
        0x000B => "WMA Voice 10",
        0x0011 => "IMA ADPCM",
        0x0031 => "GSM 6.10",
        0x0042 => "G.723.1",
        0x0045 => "G.726",
        0x0050 => "MPEG audio",
        0x0055 => "MP3",
        0x0075 | 0x0130 => "ACELP",
        0x00FF | 0x1600 => "AAC",
        0x0160 => "WMA 1",
        0x0161 => "WMA 2",
        0x0162 => "WMA Pro",
        0x0163 => "WMA Lossless",
        0x0164 => "WMA over S/PDIF",
        0x1602 => "AAC LATM",
        0x2000 => "AC-3",
        0x2001 => "DTS",
        _ => return None,
    })
}

/// The name of the codec that a four-character code stands for; `None` for one that is not known.
/// Case does not count: writers disagree.
#[doc(alias = "FOURCC")]
pub fn video_codec(fourcc: [u8; 4]) -> Option<&'static str> {
    Some(match &fourcc.map(|byte| byte.to_ascii_uppercase()) {
        b"\0\0\0\0" => "uncompressed RGB",
        b"MP42" => "Microsoft MPEG-4 version 2",
        b"MP43" => "Microsoft MPEG-4 version 3",
        b"MPG4" => "Microsoft MPEG-4 version 1",
        b"MP4S" => "ISO MPEG-4 version 1",
        b"M4S2" => "ISO MPEG-4 version 1.1",
        b"WMV1" => "Windows Media Video 7",
        b"WMV2" => "Windows Media Video 8",
        b"WMV3" => "Windows Media Video 9",
        b"WMVA" => "Windows Media Video 9 Advanced Profile, first form",
        b"WVC1" => "Windows Media Video 9 Advanced Profile",
        b"WMVP" => "Windows Media Video 9 Image",
        b"WVP2" => "Windows Media Video 9.1 Image",
        b"MSS1" => "Windows Media Screen 7",
        b"MSS2" => "Windows Media Screen 9",
        b"MTS2" => "Microsoft Expression Encoder Screen",
        b"G2M2" | b"G2M3" | b"G2M4" | b"G2M5" => "GoToMeeting",
        b"H264" | b"AVC1" => "H.264",
        b"MJPG" => "Motion JPEG",
        b"DVR " => "recorded TV",
        _ => return None,
    })
}
