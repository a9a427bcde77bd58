//! The dispatcher: which object says what.

use super::stream::Stream;
use crate::object::Object;
use crate::objects::{
    Body as _, ContentDescription, ExtendedStreamProperties, FileProperties, StreamBitrate,
    StreamBitrates, StreamProperties,
};
use crate::walk::Walk;
use crate::{Deviation, Error, guid};

/// What the objects of both levels say, collected by one dispatcher: files put objects on either.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) file: Option<(usize, FileProperties)>,
    pub(super) extension: Vec<Object>,
    /// A Header Extension Object was there.
    extended_once: bool,
    streams: Vec<Stream>,
    extended: Vec<ExtendedStreamProperties>,
    bit_rates: Vec<StreamBitrate>,
    pub(super) content: Option<ContentDescription>,
}

impl Facts {
    pub(super) fn object(&mut self, object: &Object, walk: &mut Walk) -> Result<(), Error> {
        let offset = object.offset as u64;
        match object.id {
            guid::FILE_PROPERTIES if self.file.is_some() => {
                walk.deviations
                    .push(Deviation::Duplicate { what: "File Properties Object", offset });
            }
            guid::FILE_PROPERTIES => {
                let file = FileProperties::decode(object)?;
                self.file = Some((object.offset, file));
            }
            guid::STREAM_PROPERTIES => self.stream(object, false, walk),
            guid::EXTENDED_STREAM_PROPERTIES => match ExtendedStreamProperties::decode(object) {
                Ok(extended) => {
                    let nested = extended.nested.as_ref();
                    match nested.filter(|nested| nested.id == guid::STREAM_PROPERTIES) {
                        Some(stream) => self.stream(stream, true, walk),
                        None if self.extended.iter().any(|e| e.number == extended.number) => {
                            let what = "Extended Stream Properties Object";
                            walk.deviations.push(Deviation::Duplicate { what, offset });
                        }
                        None => {}
                    }
                    self.extended.push(extended);
                }
                Err(_) => unreadable(object, "Extended Stream Properties Object", walk),
            },
            guid::STREAM_BITRATE_PROPERTIES => match StreamBitrates::decode(object) {
                Ok(rates) => self.bit_rates.extend(rates.records),
                Err(_) => unreadable(object, "Stream Bitrate Properties Object", walk),
            },
            guid::CONTENT_DESCRIPTION if self.content.is_some() => {
                walk.deviations
                    .push(Deviation::Duplicate { what: "Content Description Object", offset });
            }
            guid::CONTENT_DESCRIPTION => {
                let what = "Content Description Object";
                let Some((content, whole)) = ContentDescription::read_damaged(object) else {
                    unreadable(object, what, walk);
                    return Ok(());
                };
                if !whole {
                    walk.deviations.push(Deviation::Incomplete { what, offset });
                }
                self.content = Some(content);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn extension(&mut self, object: &Object, walk: &mut Walk) -> Result<(), Error> {
        let what = "Header Extension Object";
        let mut cursor = object.cursor(what);
        let at = cursor.offset() as u64;
        let mut head = || {
            let reserved = (cursor.guid("a reserved field")?, cursor.u16("a reserved field")?);
            Ok::<_, Error>((reserved, cursor.u32("the size of the extension data")?))
        };
        let Ok((reserved, declared)) = head() else {
            unreadable(object, what, walk);
            return Ok(());
        };
        if std::mem::replace(&mut self.extended_once, true) {
            let offset = object.offset as u64;
            walk.deviations.push(Deviation::Duplicate { what, offset });
        }
        if reserved != (guid::HEADER_EXTENSION_RESERVED, 6) {
            walk.deviations.push(Deviation::Reserved { what, offset: at });
        }
        let real = cursor.rest().len() as u64;
        if u64::from(declared) != real {
            // The object size wins: it is the one that leads to the next object.
            walk.deviations.push(Deviation::ExtensionSize { declared, real });
        }
        let children = object.bytes.slice_ref(cursor.rest());
        for child in walk.children(&children, cursor.offset())? {
            self.object(&child, walk)?;
            self.extension.push(child);
        }
        Ok(())
    }

    fn stream(&mut self, object: &Object, hidden: bool, walk: &mut Walk) {
        let offset = object.offset as u64;
        let Ok(properties) = StreamProperties::decode(object) else {
            unreadable(object, "Stream Properties Object", walk);
            return;
        };
        let stream = Stream::new(properties, hidden);
        let number = stream.number;
        if number == 0 {
            walk.deviations.push(Deviation::StreamNumberZero { offset });
        } else if self.streams.iter().any(|known| known.number == number) {
            walk.deviations.push(Deviation::DuplicateStream { number, offset });
        } else {
            self.streams.push(stream);
        }
    }

    pub(super) fn streams(&mut self) -> Vec<Stream> {
        let mut streams = std::mem::take(&mut self.streams);
        for stream in &mut streams {
            let number = stream.number;
            stream.bit_rate =
                self.bit_rates.iter().find(|r| r.stream() == number).map(|r| r.bit_rate);
            if let Some(extended) = self.extended.iter().find(|e| e.number == u16::from(number)) {
                stream.extend(extended);
            }
        }
        streams
    }
}

fn unreadable(object: &Object, what: &'static str, walk: &mut Walk) {
    walk.deviations.push(Deviation::Unreadable { what, offset: object.offset as u64 });
}
