//! The objects of a file as a tree.

use mms_asf::objects::{Body as _, ExtendedStreamProperties};
use mms_asf::{Header, Object, guid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::describe::{describe, name};

/// One object.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: Uuid,
    /// Where it starts in the input.
    pub(super) offset: u64,
    pub(super) size: u64,
    /// What it says, one line a fact; `None` when it cannot be read.
    pub(super) content: Option<Vec<String>>,
    pub(super) children: Vec<Node>,
}

impl Node {
    pub(super) fn name(&self) -> String {
        name(self.id)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "name": guid::name(self.id),
            "offset": self.offset,
            "bytes": self.size,
            "content": self.content,
            "objects": self.children.iter().map(Self::json).collect::<Vec<_>>(),
        })
    }

    /// This object and all in it.
    pub(super) fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.children.iter().flat_map(Self::all));
        all
    }
}

/// The children of the Header Object, which starts at `start` of the input.
pub(super) fn tree(header: &Header, start: u64) -> Vec<Node> {
    let objects = header.objects().iter().map(|object| {
        let mut node = node(object, start);
        if object.id == guid::HEADER_EXTENSION {
            let inside = object.offset..object.offset.saturating_add(object.bytes.len());
            let children = header.extension_objects().iter();
            let children = children.filter(|child| inside.contains(&child.offset));
            node.children = children.map(|child| self::node(child, start)).collect();
        }
        node
    });
    objects.collect()
}

fn node(object: &Object, start: u64) -> Node {
    let nested = (object.id == guid::EXTENDED_STREAM_PROPERTIES)
        .then(|| ExtendedStreamProperties::decode(object).ok()?.nested)
        .flatten();
    Node {
        id: object.id,
        offset: start.saturating_add(object.offset as u64),
        size: object.bytes.len() as u64,
        content: describe(object),
        // Nesting has one level: a nested object of the same kind is not looked into.
        children: nested.iter().map(|nested| leaf(nested, start)).collect(),
    }
}

fn leaf(object: &Object, start: u64) -> Node {
    Node {
        id: object.id,
        offset: start.saturating_add(object.offset as u64),
        size: object.bytes.len() as u64,
        content: describe(object),
        children: Vec::new(),
    }
}
