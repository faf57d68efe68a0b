//! JSON objects to records: one a line, or in a list, or in a list inside an object. Objects are cut from the stream by their
//! brackets; each is then read by serde_json.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use memchr::{memchr, memchr3};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::ReadError;
use super::records::{MAX_RECORD, Record};

/// Cuts a stream of JSON into the objects of one level.
pub(super) struct Objects {
    /// Brackets around the objects that are rows.
    level: u32,
    depth: u32,
    in_string: bool,
    escaped: bool,
    object: Vec<u8>,
    begun: u32,
    line: u32,
    names: BTreeMap<String, usize>,
    text: Vec<u8>,
    fields: Vec<(u32, u32)>,
}

/// What a stream of objects brings.
pub(super) enum Found<'a> {
    /// An object whose values stand in the order of the names.
    Row(Record<'a>),
    /// An object that is none: its line, and what is wrong.
    Broken(u32, String),
}

impl Objects {
    pub(super) fn new(level: u32, names: &[String]) -> Self {
        Objects {
            level,
            depth: 0,
            in_string: false,
            escaped: false,
            object: Vec::new(),
            begun: 1,
            line: 1,
            names: names.iter().cloned().zip(0..).collect(),
            text: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Lines so far.
    pub(super) fn lines(&self) -> u32 {
        self.line
    }

    /// Hands on every object that `chunk` completes.
    pub(super) fn push(
        &mut self,
        chunk: &[u8],
        sink: &mut dyn FnMut(Found<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        // Where in the chunk the object begins that is not ended yet; one from before goes on at the beginning.
        let (mut from, mut at) = (0, 0);
        while at < chunk.len() {
            if self.in_string && !self.escaped {
                let plain = memchr3(b'"', b'\\', b'\n', &chunk[at..]);
                at = plain.map_or(chunk.len(), |plain| at + plain);
                if at == chunk.len() {
                    break;
                }
            }
            let byte = chunk[at];
            at += 1;
            if byte == b'\n' {
                self.line = self.line.saturating_add(1);
                // A line end ends a string that is not closed, so that one broken line does not swallow the rest.
                if self.in_string && self.level == 0 {
                    self.hold(if self.depth > self.level { &chunk[from..at] } else { &[] })?;
                    self.drop_broken(sink)?;
                }
                continue;
            }
            if self.in_string {
                (self.escaped, self.in_string) = (!self.escaped && byte == b'\\', self.escaped || byte != b'"');
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if self.depth == self.level {
                        (self.begun, from) = (self.line, at - 1);
                    }
                    self.depth += 1;
                }
                b'}' | b']' => {
                    let inside = self.depth > self.level;
                    self.depth = self.depth.saturating_sub(1);
                    if inside && self.depth == self.level {
                        let held = std::mem::take(&mut self.object);
                        let own = &chunk[from..at];
                        if held.is_empty() {
                            self.row(own, sink)?;
                        } else {
                            self.object = held;
                            self.hold(own)?;
                            let whole = std::mem::take(&mut self.object);
                            self.row(&whole, sink)?;
                            self.object = whole;
                            self.object.clear();
                        }
                    }
                }
                _ => {}
            }
        }
        self.hold(if self.depth > self.level { &chunk[from..] } else { &[] })
    }

    /// Keeps a part of an object until the rest of it comes.
    fn hold(&mut self, part: &[u8]) -> Result<(), ReadError> {
        self.object.extend_from_slice(part);
        self.bound(self.object.len())
    }

    fn bound(&self, length: usize) -> Result<(), ReadError> {
        if length > MAX_RECORD {
            return Err(ReadError::LongRow { line: self.begun, limit: MAX_RECORD as u32 });
        }
        Ok(())
    }

    /// The text has ended: an object that is not whole is told.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Found<'_>) -> Result<(), ReadError>) -> Result<(), ReadError> {
        if self.object.is_empty() { Ok(()) } else { self.drop_broken(sink) }
    }

    fn drop_broken(&mut self, sink: &mut dyn FnMut(Found<'_>) -> Result<(), ReadError>) -> Result<(), ReadError> {
        let begun = if self.object.is_empty() { self.line } else { self.begun };
        self.object.clear();
        (self.depth, self.in_string, self.escaped) = (self.level, false, false);
        sink(Found::Broken(begun, "it is not closed".to_owned()))
    }

    fn row(
        &mut self,
        object: &[u8],
        sink: &mut dyn FnMut(Found<'_>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.bound(object.len())?;
        self.text.clear();
        self.fields.clear();
        self.fields.resize(self.names.len(), (0, 0));
        let members = Members { names: &self.names, outer: "", text: &mut self.text, fields: &mut self.fields };
        if let Err(error) = members.of(object) {
            return sink(Found::Broken(self.begun, error.to_string()));
        }
        let lines = self.line - self.begun + 1;
        sink(Found::Row(Record::new(&self.text, &self.fields, self.begun, lines.min(1))))
    }
}

/// Takes the values of an object that have a name, as they are written; the others are only passed over.
struct Members<'a> {
    names: &'a BTreeMap<String, usize>,
    /// Of an object inside another: the name of that one, with a dot.
    outer: &'a str,
    text: &'a mut Vec<u8>,
    fields: &'a mut [(u32, u32)],
}

impl Members<'_> {
    fn of(self, object: &[u8]) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_slice(object);
        json.deserialize_map(self)?;
        json.end()
    }

    /// Does a name that is wanted begin so? If any does, the first that is not before it does.
    fn leads_to(&self, name: &str) -> bool {
        let from = (Bound::Included(name), Bound::Unbounded);
        self.names.range::<str, _>(from).next().is_some_and(|(known, _)| known.starts_with(name))
    }

    /// Objects inside it as `outer.inner`; deeper than three is nobody's user.
    fn take(&mut self, name: &str, value: &str) -> serde_json::Result<()> {
        if value.starts_with('{') && self.outer.matches('.').count() < 2 {
            let outer = format!("{name}.");
            if self.leads_to(&outer) {
                let inner =
                    Members { names: self.names, outer: &outer, text: &mut *self.text, fields: &mut *self.fields };
                return inner.of(value.as_bytes());
            }
            return Ok(());
        }
        let Some(&at) = self.names.get(name) else { return Ok(()) };
        let start = self.text.len() as u32;
        match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
            Some(plain) if memchr(b'\\', plain.as_bytes()).is_none() => self.text.extend_from_slice(plain.as_bytes()),
            Some(_) => self.text.extend_from_slice(serde_json::from_str::<String>(value)?.as_bytes()),
            None if value == "null" => {}
            None => self.text.extend_from_slice(value.as_bytes()),
        }
        self.fields[at] = (start, self.text.len() as u32);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Name<'de>>()? {
            let full;
            let name = match self.outer {
                "" => &*name.0,
                outer => {
                    full = format!("{outer}{}", name.0);
                    &full
                }
            };
            if self.leads_to(name) {
                let value = members.next_value::<&RawValue>()?;
                self.take(name, value.get()).map_err(de::Error::custom)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A name, copied only where something in it is escaped.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        json.deserialize_str(Text)
    }
}

/// Calls `each` for every value of an object, objects inside it as `outer.inner`.
fn walk(value: &Value, outer: &str, each: &mut dyn FnMut(&str, &Value)) {
    let Value::Object(entries) = value else { return };
    for (name, value) in entries {
        let name = if outer.is_empty() { name.clone() } else { format!("{outer}.{name}") };
        // Deeper than three is nobody's user.
        if value.is_object() && outer.matches('.').count() < 2 { walk(value, &name, each) } else { each(&name, value) }
    }
}

/// How many brackets stand around the objects that are rows, and the names of their values in the order of the first object.
pub(super) fn layout(head: &[u8], whole: bool) -> (u32, Vec<String>) {
    let level = level(head, whole);
    let mut names: Vec<String> = Vec::new();
    let mut objects = Objects::new(level, &[]);
    let mut seen = 0;
    // The objects themselves, cut out by the same rule that reads them.
    let mut at = 0;
    while at < head.len() && seen < 200 {
        let before = objects.object.len();
        let byte = &head[at..=at];
        let closes = objects.depth == level + 1 && byte == b"}" && !objects.in_string;
        if closes && before > 0 {
            let mut object = objects.object.clone();
            object.push(b'}');
            seen += 1;
            if let Ok(value) = serde_json::from_slice::<Value>(&object) {
                walk(&value, "", &mut |name, _| {
                    if !names.iter().any(|known| known == name) {
                        names.push(name.to_owned());
                    }
                });
            }
        }
        if objects.push(byte, &mut |_| Ok(())).is_err() {
            break;
        }
        at += 1;
    }
    (level, names)
}

/// Rows are the objects at the top, or those in the first list that holds objects.
fn level(head: &[u8], whole: bool) -> u32 {
    let (mut depth, mut in_string, mut escaped, mut top) = (0u32, false, false, 0);
    let mut stack: Vec<u8> = Vec::new();
    let mut in_list = None;
    for &byte in head {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                if byte == b'{' && stack.last() == Some(&b'[') && in_list.is_none() {
                    in_list = Some(depth);
                }
                stack.push(byte);
                depth += 1;
            }
            b'}' | b']' => {
                stack.pop();
                depth = depth.saturating_sub(1);
                top += u32::from(depth == 0);
                if top > 1 {
                    return 0;
                }
            }
            _ => {}
        }
    }
    let list_first = head.trim_ascii_start().starts_with(b"[");
    match in_list {
        Some(depth) if list_first || top == 0 || whole => depth,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, size: usize) -> (Vec<Vec<String>>, Vec<u32>) {
        let (level, names) = layout(text.as_bytes(), true);
        let (mut rows, mut broken) = (vec![names.clone()], Vec::new());
        let mut sink = |found: Found<'_>| {
            match found {
                Found::Row(record) => rows
                    .push((0..record.len()).map(|at| String::from_utf8_lossy(record.field(at)).into_owned()).collect()),
                Found::Broken(line, _) => broken.push(line),
            }
            Ok(())
        };
        let mut objects = Objects::new(level, &names);
        text.as_bytes().chunks(size).for_each(|chunk| objects.push(chunk, &mut sink).unwrap());
        objects.finish(&mut sink).unwrap();
        (rows, broken)
    }

    #[test]
    fn lines_lists_and_lists_in_objects_give_the_same_rows() {
        let objects =
            [r#"{"u":"a\"}","i":{"id":7,"tags":[{"x":1}]},"r":4.5}"#, r#"{"u":"b","r":null,"i":{"id":8},"ok":true}"#];
        let expected =
            [["u", "i.id", "i.tags", "r", "ok"], ["a\"}", "7", "[{\"x\":1}]", "4.5", ""], ["b", "8", "", "", "true"]];
        let texts = [
            objects.join("\n"),
            objects.join("\r\n\r\n"),
            format!("[{}]", objects.join(",\n")),
            format!("{{\"n\":2,\"rows\":[{}]}}", objects.join(",")),
        ];
        for text in texts {
            for size in [1, 5, 1_000] {
                let (mut found, broken) = rows(&text, size);
                // Names come in the order of serde_json's map.
                let order: Vec<usize> =
                    expected[0].iter().map(|name| found[0].iter().position(|own| own == name).unwrap()).collect();
                for row in &mut found {
                    *row = order.iter().map(|&at| row[at].clone()).collect();
                }
                assert_eq!(
                    (found, broken),
                    (expected.map(|row| row.map(str::to_owned).to_vec()).to_vec(), vec![]),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_broken_line_is_told_and_the_next_is_read() {
        let text = "{\"u\":1,\"i\":2}\n{\"u\":3,\"i\":\"4}\n{\"u\":5,\"i\":6}\n{'u':7}\n{\"u\":8";
        let (rows, broken) = rows(text, 3);
        assert_eq!((rows.len(), broken), (3, vec![2, 4, 5]));
    }
}
