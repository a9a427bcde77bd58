//! Content Description and Stream Bitrate Properties: the small descriptive objects.

use crate::Error;
use crate::object::Object;

/// The five texts of the Content Description Object, empty ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) title: Option<String>,
    pub(super) author: Option<String>,
    pub(super) copyright: Option<String>,
    pub(super) description: Option<String>,
    pub(super) rating: Option<String>,
}

impl Content {
    pub(super) fn parse(object: &Object) -> Result<Self, Error> {
        let mut cursor = object.cursor("Content Description Object");
        let mut lens = [0_u16; 5];
        for len in &mut lens {
            *len = cursor.u16("the length of a text")?;
        }
        let [title, author, copyright, description, rating] = lens;
        let mut text = |len: u16| Ok(utf16(cursor.take(usize::from(len), "a text")?));
        Ok(Self {
            title: text(title)?,
            author: text(author)?,
            copyright: text(copyright)?,
            description: text(description)?,
            rating: text(rating)?,
        })
    }
}

/// Stream numbers with their bit rates.
pub(super) fn bit_rates(object: &Object) -> Result<Vec<(u8, u32)>, Error> {
    let mut cursor = object.cursor("Stream Bitrate Properties Object");
    let count = cursor.u16("a number of records")?;
    let mut rates = Vec::new();
    for _ in 0..count {
        let [number, _] = cursor.u16("a stream number")?.to_le_bytes();
        rates.push((number & 0x7F, cursor.u32("a bit rate")?));
    }
    Ok(rates)
}

/// Text up to the first zero; unpaired surrogates are replaced, an odd last byte is dropped.
fn utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| pair.first_chunk().map(|pair| u16::from_le_bytes(*pair)))
        .take_while(|&unit| unit != 0);
    let text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (!text.is_empty()).then_some(text)
}
