//! What an object of the header says, in lines.

use std::fmt::Display;
use std::time::Duration;

use mms_asf::objects::{
    AdvancedContentEncryption, AnyBody, CodecKind, CodecList, ContentDescription,
    ExtendedStreamProperties, IndexKind, IndexSpecifier, Markers, MetadataRecord, ScriptCommands,
    StreamProperties, Value,
};
use mms_asf::{Text, guid};
use uuid::Uuid;

use super::clock;
use super::format::{format, quoted};

/// One line a fact; `None` when the object cannot be read.
pub(super) fn describe(object: &mms_asf::Object) -> Option<Vec<String>> {
    Some(match AnyBody::decode(object).ok()? {
        AnyBody::AdvancedContentEncryption(encryption) => encryption_systems(&encryption),
        AnyBody::AdvancedMutualExclusion(mutex) => vec![exclusion(mutex.kind, &mutex.streams)],
        AnyBody::BitrateMutualExclusion(mutex) => vec![exclusion(mutex.kind, &mutex.streams)],
        AnyBody::GroupMutualExclusion(mutex) => {
            mutex.groups.iter().map(|streams| exclusion(mutex.kind, streams)).collect()
        }
        AnyBody::BandwidthSharing(sharing) => vec![format!(
            "{} of {} bit/s: streams {}",
            name(sharing.kind),
            sharing.bit_rate,
            list(&sharing.streams)
        )],
        AnyBody::CodecList(list) => codecs(&list),
        AnyBody::Compatibility(it) => vec![format!("profile {}, mode {}", it.profile, it.mode)],
        AnyBody::ContentBranding(branding) => {
            let kind = format!("banner {:?}", branding.kind).to_lowercase();
            let mut lines = vec![format!("{kind}, {} bytes", branding.banner.len())];
            let urls = [("banner", &branding.banner_url), ("copyright", &branding.copyright_url)];
            lines.extend(
                urls.iter()
                    .filter(|(_, url)| !url.is_empty())
                    .map(|(what, url)| format!("{what} {}", quoted(url))),
            );
            lines
        }
        AnyBody::ContentDescription(content) => description(&content),
        AnyBody::ContentEncryption(encryption) => vec![format!(
            "{}, key {}, licence {}",
            quoted(&encryption.kind),
            quoted(&encryption.key_id),
            quoted(&encryption.license_url)
        )],
        AnyBody::DigitalSignature(signature) => {
            vec![format!("type {}, {} bytes", signature.kind, signature.signature.len())]
        }
        AnyBody::ErrorCorrection(it) => {
            vec![format!("{}, {} bytes", name(it.kind), it.data.len())]
        }
        AnyBody::ExtendedContentDescription(tags) => {
            tags.descriptors.iter().map(|tag| tagged(&tag.name, &tag.value)).collect()
        }
        AnyBody::ExtendedContentEncryption(encryption) => {
            vec![format!("{} bytes", encryption.data.len())]
        }
        AnyBody::ExtendedStreamProperties(stream) => extended(&stream),
        AnyBody::FileProperties(_) => Vec::new(),
        AnyBody::IndexParameters(it) => parameters(it.interval, "ms", &it.specifiers),
        AnyBody::MediaObjectIndexParameters(it) => {
            parameters(it.interval, "objects", &it.specifiers)
        }
        AnyBody::TimecodeIndexParameters(it) => parameters(it.interval, "entries", &it.specifiers),
        AnyBody::LanguageList(list) => {
            let languages = list.languages.iter().enumerate();
            languages.map(|(number, language)| format!("{number}: {}", quoted(language))).collect()
        }
        AnyBody::Markers(markers) => marked(&markers),
        AnyBody::Metadata(metadata) => metadata.records.iter().map(record).collect(),
        AnyBody::MetadataLibrary(library) => library.records.iter().map(record).collect(),
        AnyBody::ScriptCommands(script) => commands(&script),
        AnyBody::StreamBitrates(rates) => {
            let rates = rates.records.iter();
            rates.map(|rate| format!("stream {}: {} bit/s", rate.stream(), rate.bit_rate)).collect()
        }
        AnyBody::StreamPrioritization(priority) => {
            let records = priority.records.iter();
            let streams = records.map(|record| {
                format!("{}{}", record.stream, if record.mandatory() { " (mandatory)" } else { "" })
            });
            vec![format!("streams {}", streams.collect::<Vec<_>>().join(", "))]
        }
        AnyBody::StreamProperties(stream) => properties(&stream),
        _ => Vec::new(),
    })
}

/// The name of an identifier, or its digits.
pub(super) fn name(id: Uuid) -> String {
    guid::name(id).map_or_else(|| id.to_string(), str::to_owned)
}

/// The columns of an index, or those that its parameters ask for.
pub(super) fn columns(specifiers: impl IntoIterator<Item = IndexSpecifier>) -> String {
    let columns = specifiers.into_iter().map(|column| {
        let kind = match column.kind {
            IndexKind::Packet => "packets".to_owned(),
            IndexKind::MediaObject => "objects".to_owned(),
            IndexKind::KeyFrame => "key frames".to_owned(),
            other => format!("type {}", u16::from(other)),
        };
        format!("stream {} {kind}", column.stream)
    });
    columns.collect::<Vec<_>>().join(", ")
}

fn parameters(interval: u32, unit: &str, specifiers: &[IndexSpecifier]) -> Vec<String> {
    vec![format!("every {interval} {unit}: {}", columns(specifiers.iter().copied()))]
}

fn list<T: Display>(numbers: &[T]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn exclusion(kind: Uuid, streams: &[u16]) -> String {
    format!("{}: streams {}", name(kind), list(streams))
}

fn encryption_systems(encryption: &AdvancedContentEncryption) -> Vec<String> {
    let records = encryption.records.iter().map(|record| {
        let streams: Vec<_> = record.objects.iter().filter_map(|o| o.stream_number()).collect();
        format!("{} version {}: streams {}", name(record.system), record.version, list(&streams))
    });
    records.collect()
}

fn codecs(list: &CodecList) -> Vec<String> {
    let entries = list.entries.iter().map(|entry| {
        let kind = match entry.kind {
            CodecKind::Video => "video".to_owned(),
            CodecKind::Audio => "audio".to_owned(),
            CodecKind::Other(kind) => format!("type {kind}"),
            _ => "other".to_owned(),
        };
        format!("{kind} {}, {}", quoted(&entry.name), quoted(&entry.description))
    });
    entries.collect()
}

fn description(content: &ContentDescription) -> Vec<String> {
    let fields = [
        ("title", &content.title),
        ("author", &content.author),
        ("copyright", &content.copyright),
        ("description", &content.description),
        ("rating", &content.rating),
    ];
    let there = fields.iter().filter(|(_, text)| !text.is_empty());
    there.map(|(name, text)| format!("{name} {}", quoted(text))).collect()
}

fn extended(stream: &ExtendedStreamProperties) -> Vec<String> {
    let mut lines = vec![format!(
        "stream {}, {} bit/s, buffer {} ms, language {}",
        stream.number, stream.average.bit_rate, stream.average.size, stream.language
    )];
    if !stream.time_per_frame.is_zero() {
        let time = stream.time_per_frame.as_secs_f64() * 1000.0;
        lines.push(format!("a frame lasts {time:.3} ms on average"));
    }
    lines.extend(
        stream.names.iter().map(|it| format!("name {} ({})", quoted(&it.name), it.language)),
    );
    lines.extend(stream.extensions.iter().map(|extension| {
        let size = match extension.size {
            0xFFFF => "any number of".to_owned(),
            size => size.to_string(),
        };
        format!("{}, {size} bytes", name(extension.system))
    }));
    lines
}

fn properties(stream: &StreamProperties) -> Vec<String> {
    let mut lines = vec![format!("stream {}, {}", stream.number(), name(stream.kind.id()))];
    lines.extend(format(&stream.format()));
    lines.push(format!("error correction: {}", name(stream.error_correction)));
    lines
}

fn marked(markers: &Markers) -> Vec<String> {
    let markers = markers.markers.iter().map(|marker| {
        format!(
            "{} {}, at byte {} of the data",
            clock(marker.presentation_time),
            quoted(&marker.description),
            marker.offset
        )
    });
    markers.collect()
}

fn commands(script: &ScriptCommands) -> Vec<String> {
    let commands = script.commands.iter().map(|command| {
        let kind = script.kind(command).map_or_else(|| "?".to_owned(), quoted);
        let time = clock(Duration::from_millis(command.time.into()));
        format!("{time} {kind}: {}", quoted(&command.text))
    });
    commands.collect()
}

fn record(record: &MetadataRecord) -> String {
    let stream = match record.stream {
        0 => String::new(),
        number => format!("stream {number} "),
    };
    let language = match record.language {
        0 => String::new(),
        number => format!(" (language {number})"),
    };
    format!("{stream}{}{language}", tagged(&record.name, &record.value))
}

fn tagged(name: &Text, value: &Value) -> String {
    let value = match value {
        Value::Text(text) => quoted(text),
        other => other.to_string(),
    };
    // Names are words of programs, which need no quotes; but anything may be there.
    let name = name.to_string();
    if name.chars().all(|c| c.is_ascii_graphic()) && !name.is_empty() {
        format!("{name} = {value}")
    } else {
        format!("{name:?} = {value}")
    }
}
