//! Objects of the header as types: what was written is read again, and real files are written as
//! they are.

mod descriptive;
mod irregular;
mod real;
mod structure;

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use mms_asf::objects::{AnyBody, Body, ContentDescription, ErrorCorrection, LanguageList};
use mms_asf::{Error, Object, Text, guid, testing};
use proptest::prelude::*;
use uuid::Uuid;

/// Reads what was written, also through the dispatcher, and finds every cut of it out.
fn survives<T: Body + Clone + PartialEq + Debug + Into<AnyBody>>(body: &T) {
    let object = body.encode().unwrap();
    assert_eq!(object.id, T::ID);
    assert_eq!(
        object.bytes.len() as u64,
        u64::from_le_bytes(*object.bytes[16..].first_chunk().unwrap())
    );
    assert_eq!(T::decode(&object).as_ref(), Ok(body));
    let any = AnyBody::decode(&object).unwrap();
    assert_eq!(any, body.clone().into());
    assert_eq!(any.encode().unwrap(), object);
    // Padding is all there is; for the other, what follows tells how lengths are meant.
    let takes_all = matches!(any, AnyBody::Padding(_) | AnyBody::ExtendedContentDescription(_));
    for more in [&[0][..], &[0; 24], &[0xFF; 30]].into_iter().filter(|_| !takes_all) {
        let longer = [&object.bytes[24..], more].concat();
        let longer = Object::from_bytes(testing::object(T::ID, &longer)).unwrap();
        assert_eq!(T::decode(&longer).as_ref(), Ok(body), "{more:?} behind the last field");
    }
    for len in 24..object.bytes.len() {
        let mut cut = object.bytes[..len].to_vec();
        cut[16..24].copy_from_slice(&(len as u64).to_le_bytes());
        let cut = Object::from_bytes(cut.into()).unwrap();
        let error = T::decode(&cut).expect_err("a cut object");
        let Error::Malformed { offset, .. } = error else { panic!("{error}") };
        assert!(offset <= len as u64, "{error} in an object of {len} bytes");
    }
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        Just(Text::default()),
        "\\PC{0,12}".prop_map(|text| Text::new(&text)),
        "\\PC{0,12}".prop_map(|text| Text::unterminated(&text)),
        bytes(20).prop_map(Text::from_bytes),
    ]
}

fn bytes(len: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..=len).prop_map(Bytes::from)
}

fn guid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn content_description(texts in prop::array::uniform5(text())) {
        let mut body = ContentDescription::default();
        [body.title, body.author, body.copyright, body.description, body.rating] = texts;
        survives(&body);
    }

    #[test]
    fn error_correction(kind in guid(), data in bytes(40)) {
        survives(&ErrorCorrection::new(kind, data));
    }

    #[test]
    fn language_list(languages in prop::collection::vec(text(), 0..5)) {
        let mut body = LanguageList::default();
        body.languages = languages;
        survives(&body);
    }
}

fn ticks(ticks: u64) -> Duration {
    Duration::from_secs(ticks / 10_000_000) + Duration::from_nanos(ticks % 10_000_000 * 100)
}

#[test]
fn what_does_not_fit_its_length() {
    let mut body = LanguageList::default();
    body.languages = vec![Text::new(&"x".repeat(127))];
    let refused = Error::Limit { what: "the length of a language tag", value: 256, limit: 255 };
    assert_eq!(body.encode(), Err(refused));
}

#[test]
fn sizes_that_lie() {
    let object = LanguageList::default().encode().unwrap();
    assert_eq!(Object::from_bytes(object.bytes.clone()), Ok(object.clone()));
    let short = Object::from_bytes(object.bytes.slice(..25)).unwrap_err();
    assert_eq!(
        short.to_string(),
        "object at byte 16: expected the size of the bytes that are there"
    );
}

#[test]
fn counts_that_lie() {
    let mut bytes = LanguageList::default().encode().unwrap().bytes.to_vec();
    bytes[24..26].copy_from_slice(&[0xFF, 0xFF]);
    let error = LanguageList::decode(&Object::from_bytes(bytes.into()).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Language List Object at byte 26: expected the length of a language tag"
    );
}

/// Objects whose reserved field of 16 bytes holds what was in the encoder's memory; it is written
/// as the specification wants it.
const UNINITIALISED: [(&str, Uuid); 2] = [
    ("slideshow-1999-jfif-stream-mp3-script-command.asf", guid::CODEC_LIST),
    ("video-wvc1-script-command-object-captions-mini.wmv", guid::SCRIPT_COMMAND),
];

/// Every object of every sample that has a type is written as it stands in the file.
#[test]
fn real_objects_are_written_as_they_are() {
    let mut seen = 0;
    let mut exceptions = 0;
    crate::support::each_file(|name, reader| {
        let header = reader.header();
        for object in header.objects().iter().chain(header.extension_objects()) {
            let any = match AnyBody::decode(object) {
                Ok(AnyBody::Unknown(_)) => continue,
                Ok(any) => any,
                Err(error) => panic!("{name}: {error}"),
            };
            seen += 1;
            let written = any.encode().unwrap();
            let mut wanted = object.bytes.to_vec();
            if UNINITIALISED.contains(&(name, object.id)) {
                exceptions += 1;
                assert_ne!(wanted[24..40], written.bytes[24..40], "{name}: no exception");
                wanted[24..40].copy_from_slice(&written.bytes[24..40]);
            }
            assert_eq!(written.bytes, wanted, "{name}: {object:?} {any:?}");
        }
    });
    if crate::support::samples().is_some() {
        assert!(seen > 700, "{seen} objects");
        assert_eq!(exceptions, UNINITIALISED.len());
    }
}
