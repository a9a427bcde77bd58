//! The identifiers of objects, stream types and payload extensions, most of them those of section
//! 10 of the ASF specification.

use uuid::Uuid;

macro_rules! guids {
    ($($(#[$meta:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        $($(#[$meta])* #[doc = concat!("The identifier of the ", $text, ".")]
        pub const $name: Uuid = Uuid::from_u128($value);)*

        /// What an identifier stands for, if it is a known one.
        pub fn name(id: Uuid) -> Option<&'static str> {
            $(if id == $name {
                return Some($text);
            })*
            None
        }
    };
}

guids! {
    HEADER = 0x75B22630_668E_11CF_A6D9_00AA0062CE6C, "Header Object";
    /// Files with this first object follow an abandoned draft and are refused.
    HEADER_DRAFT_2 = 0xD6E229D1_35DA_11D1_9034_00A0C90349BE, "Header Object of the ASF 2.0 draft";
    DATA = 0x75B22636_668E_11CF_A6D9_00AA0062CE6C, "Data Object";
    SIMPLE_INDEX = 0x33000890_E5B1_11CF_89F4_00A0C90349CB, "Simple Index Object";
    INDEX = 0xD6E229D3_35DA_11D1_9034_00A0C90349BE, "Index Object";
    MEDIA_OBJECT_INDEX = 0xFEB103F8_12AD_4C64_840F_2A1D2F7AD48C, "Media Object Index Object";
    TIMECODE_INDEX = 0x3CB73FD0_0C4A_4803_953D_EDF7B6228F0C, "Timecode Index Object";
    /// Not of the ASF specification: tools for metadata append it.
    XMP = 0xBE7ACFCB_97A9_42E8_9C71_999491E3AFAC, "XMP Object";
    FILE_PROPERTIES = 0x8CABDCA1_A947_11CF_8EE4_00C00C205365, "File Properties Object";
    STREAM_PROPERTIES = 0xB7DC0791_A9B7_11CF_8EE6_00C00C205365, "Stream Properties Object";
    HEADER_EXTENSION = 0x5FBF03B5_A92E_11CF_8EE3_00C00C205365, "Header Extension Object";
    CODEC_LIST = 0x86D15240_311D_11D0_A3A4_00A0C90348F6, "Codec List Object";
    SCRIPT_COMMAND = 0x1EFB1A30_0B62_11D0_A39B_00A0C90348F6, "Script Command Object";
    MARKER = 0xF487CD01_A951_11CF_8EE6_00C00C205365, "Marker Object";
    BITRATE_MUTUAL_EXCLUSION = 0xD6E229DC_35DA_11D1_9034_00A0C90349BE,
        "Bitrate Mutual Exclusion Object";
    ERROR_CORRECTION = 0x75B22635_668E_11CF_A6D9_00AA0062CE6C, "Error Correction Object";
    CONTENT_DESCRIPTION = 0x75B22633_668E_11CF_A6D9_00AA0062CE6C, "Content Description Object";
    EXTENDED_CONTENT_DESCRIPTION = 0xD2D0A440_E307_11D2_97F0_00A0C95EA850,
        "Extended Content Description Object";
    CONTENT_BRANDING = 0x2211B3FA_BD23_11D2_B4B7_00A0C955FC6E, "Content Branding Object";
    STREAM_BITRATE_PROPERTIES = 0x7BF875CE_468D_11D1_8D82_006097C9A2B2,
        "Stream Bitrate Properties Object";
    CONTENT_ENCRYPTION = 0x2211B3FB_BD23_11D2_B4B7_00A0C955FC6E, "Content Encryption Object";
    EXTENDED_CONTENT_ENCRYPTION = 0x298AE614_2622_4C17_B935_DAE07EE9289C,
        "Extended Content Encryption Object";
    DIGITAL_SIGNATURE = 0x2211B3FC_BD23_11D2_B4B7_00A0C955FC6E, "Digital Signature Object";
    PADDING = 0x1806D474_CADF_4509_A4BA_9AABCB96AAE8, "Padding Object";
    EXTENDED_STREAM_PROPERTIES = 0x14E6A5CB_C672_4332_8399_A96952065B5A,
        "Extended Stream Properties Object";
    ADVANCED_MUTUAL_EXCLUSION = 0xA08649CF_4775_4670_8A16_6E35357566CD,
        "Advanced Mutual Exclusion Object";
    GROUP_MUTUAL_EXCLUSION = 0xD1465A40_5A79_4338_B71B_E36B8FD6C249,
        "Group Mutual Exclusion Object";
    STREAM_PRIORITIZATION = 0xD4FED15B_88D3_454F_81F0_ED5C45999E24, "Stream Prioritization Object";
    BANDWIDTH_SHARING = 0xA69609E6_517B_11D2_B6AF_00C04FD908E9, "Bandwidth Sharing Object";
    LANGUAGE_LIST = 0x7C4346A9_EFE0_4BFC_B229_393EDE415C85, "Language List Object";
    METADATA = 0xC5F8CBEA_5BAF_4877_8467_AA8C44FA4CCA, "Metadata Object";
    METADATA_LIBRARY = 0x44231C94_9498_49D1_A141_1D134E457054, "Metadata Library Object";
    INDEX_PARAMETERS = 0xD6E229DF_35DA_11D1_9034_00A0C90349BE, "Index Parameters Object";
    MEDIA_OBJECT_INDEX_PARAMETERS = 0x6B203BAD_3F11_48E4_ACA8_D7613DE2CFA7,
        "Media Object Index Parameters Object";
    TIMECODE_INDEX_PARAMETERS = 0xF55E496D_9797_4B5D_8C8B_604DFE9BFB24,
        "Timecode Index Parameters Object";
    COMPATIBILITY = 0x26F18B5D_4584_47EC_9F5F_0E651F0452C9, "Compatibility Object";
    ADVANCED_CONTENT_ENCRYPTION = 0x43058533_6981_49E6_9B74_AD12CB86D58C,
        "Advanced Content Encryption Object";
    /// Not in the specification; seen in protected files.
    ENCRYPTION = 0x9A04F079_9840_4286_AB92_E65BE0885F95, "Encryption Object";
    INDEX_PLACEHOLDER = 0xD9AADE20_7C17_4F9C_BC28_8555DD98E2A2, "Index Placeholder Object";
    AUDIO = 0xF8699E40_5B4D_11CF_A8FD_00805F5C442B, "audio stream type";
    VIDEO = 0xBC19EFC0_5B4D_11CF_A8FD_00805F5C442B, "video stream type";
    COMMAND = 0x59DACFC0_59E6_11D0_A3AC_00A0C90348F6, "command stream type";
    JFIF = 0xB61BE100_5B4E_11CF_A8FD_00805F5C442B, "JFIF stream type";
    DEGRADABLE_JPEG = 0x35907DE0_E415_11CF_A917_00805F5C442B, "degradable JPEG stream type";
    FILE_TRANSFER = 0x91BD222C_F21C_497A_8B6D_5AA86BFC0185, "file transfer stream type";
    BINARY = 0x3AFB65E2_47EF_40F2_AC2C_70A90D71D343, "binary stream type";
    NO_ERROR_CORRECTION = 0x20FB5700_5B55_11CF_A8FD_00805F5C442B, "absence of error correction";
    AUDIO_SPREAD = 0xBFC3CD50_618F_11CF_8BB2_00AA00B4E220, "audio spread error correction";
    AUDIO_CONCEALMENT = 0x49F1A440_4ECE_11D0_A3AC_00A0C90348F6, "audio concealment";
    RECORDED_TV_AUDIO = 0x31178C9D_03E1_4528_B582_3DF9DB22F503, "audio of recorded TV";
    WEB_STREAM = 0x776257D4_C627_41CB_8F81_7AC7FF1C40CC, "web stream subtype";
    WEB_STREAM_FORMAT = 0xDA1E6B13_8359_4050_B398_388E965BF00C, "web stream format";
    FORMAT_WAVE = 0x05589F81_C356_11CE_BF01_00AA0055595A, "WAVEFORMATEX format type";
    FORMAT_VIDEO = 0x05589F80_C356_11CE_BF01_00AA0055595A, "VIDEOINFOHEADER format type";
    MUTEX_LANGUAGE = 0xD6E22A00_35DA_11D1_9034_00A0C90349BE, "mutual exclusion by language";
    MUTEX_BITRATE = 0xD6E22A01_35DA_11D1_9034_00A0C90349BE, "mutual exclusion by bit rate";
    MUTEX_UNKNOWN = 0xD6E22A02_35DA_11D1_9034_00A0C90349BE,
        "mutual exclusion for an unknown reason";
    SHARING_EXCLUSIVE = 0xAF6060AA_5197_11D2_B6AF_00C04FD908E9, "exclusive bandwidth sharing";
    SHARING_PARTIAL = 0xAF6060AB_5197_11D2_B6AF_00C04FD908E9, "partial bandwidth sharing";
    NETWORK_DEVICES = 0x7A079BB6_DAA4_4E12_A5CA_91D38DC11A8D,
        "content encryption for network devices";
    HEADER_EXTENSION_RESERVED = 0xABD3D211_A9BA_11CF_8EE6_00C00C205365,
        "reserved field of the Header Extension Object";
    CODEC_LIST_RESERVED = 0x86D15241_311D_11D0_A3A4_00A0C90348F6,
        "reserved field of the Codec List Object";
    SCRIPT_COMMAND_RESERVED = 0x4B1ACBE3_100B_11D0_A39B_00A0C90348F6,
        "reserved field of the Script Command Object";
    MARKER_RESERVED = 0x4CFEDB20_75F6_11CF_9C0F_00A0C90349CB, "reserved field of the Marker Object";
    SAMPLE_DURATION = 0xC6BD9450_867F_4907_83A3_C77921B733AD,
        "sample duration payload extension";
    FILE_NAME = 0xE165EC0E_19ED_45D7_B4A7_25CBD1E28E9B, "file name payload extension";
    CONTENT_TYPE = 0xD590DC20_07BC_436C_9CF7_F3BBFBF1A4DC, "content type payload extension";
    PIXEL_ASPECT_RATIO = 0x1B1EE554_F9EA_4BC8_821A_376B74E4C4B8,
        "pixel aspect ratio payload extension";
    OUTPUT_CLEAN_POINT = 0xF72A3C6F_6EB4_4EBC_B192_09AD9759E828,
        "output clean point payload extension";
    TIMECODE = 0x399595EC_8667_4E2D_8FDB_98814CE76C1E, "timecode payload extension";
    ENCRYPTION_SAMPLE_ID = 0x6698B84E_0AFA_4330_AEB2_1C0A98D7A44D,
        "encryption sample id payload extension";
    ENCRYPTION_KEY_ID = 0x76376591_795F_4DA1_86ED_9D46ECA10949,
        "encryption key id payload extension";
    DEGRADABLE_JPEG_DATA = 0x00E1AF06_7BEC_11D1_A582_00C04FC29CFB,
        "degradable JPEG payload extension";
    RECORDED_TV_TIMING = 0xFD3CC02A_06DB_4CFA_801C_7212D38745E4,
        "recorded TV timing payload extension";
    RECORDED_TV_FRAME = 0xDD6432CC_E229_40DB_80F6_D26328D2761F,
        "recorded TV frame payload extension";
    /// Not of the ASF specification.
    TIME_STAMP = 0x1135BEB7_3A39_478A_98D9_15C76B00EB69, "time stamp payload extension";
}

/// The objects that lead to places in the data.
pub const INDEXES: [Uuid; 4] = [SIMPLE_INDEX, INDEX, MEDIA_OBJECT_INDEX, TIMECODE_INDEX];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_on_disk() {
        assert_eq!(
            HEADER.to_bytes_le(),
            *b"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C"
        );
        assert_eq!(
            SAMPLE_DURATION.to_bytes_le(),
            *b"\x50\x94\xBD\xC6\x7F\x86\x07\x49\x83\xA3\xC7\x79\x21\xB7\x33\xAD"
        );
    }

    #[test]
    fn names() {
        assert_eq!(name(DATA), Some("Data Object"));
        assert_eq!(name(Uuid::nil()), None);
    }
}
