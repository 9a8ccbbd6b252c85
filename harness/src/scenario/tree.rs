//! YAML as a tree in which every value knows its place.
//!
//! The tree is built from the parser's events, within bounds: size, depth, and the number of values that aliases unfold
//! to. Scenarios use the plain part of YAML: one document, text keys, no tags, no merge keys.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use super::limit;
use crate::diagnostic::{Code, Diagnostic, Source, Span};

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
    /// Whether it is a text written as a literal block, so that its lines are lines of the file.
    pub literal: bool,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the file's order. A key stands in it once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value without its places.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// The value under a key; none for what is not a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key; none for what is not a map.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The items of a list; none for what is not a list.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The value at the end of a path of keys, or the nearest one above it that is there.
    pub fn nearest<'a>(&'a self, path: &[&str]) -> &'a Node {
        match path.split_first().and_then(|(key, rest)| Some((self.get(key)?, rest))) {
            Some((value, rest)) => value.nearest(rest),
            None => self,
        }
    }
}

/// Reads a text. Mistakes that the reading survives (a key twice) come with the tree; others end it.
pub fn read(source: &Source) -> (Option<Node>, Vec<Diagnostic>) {
    let mut reader = Reader::new(source);
    match reader.run() {
        Ok(root) => (root, reader.mistakes),
        Err(mistake) => {
            reader.mistakes.push(*mistake);
            (None, reader.mistakes)
        }
    }
}

type Step<T> = Result<T, Box<Diagnostic>>;

/// A list or a map that is not complete yet.
struct Open {
    start: usize,
    end: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Span)> },
}

struct Reader<'a> {
    source: &'a Source,
    /// Byte at which each character begins: the parser counts characters.
    offsets: Vec<usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    values: usize,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Self {
        let offsets = source.text().char_indices().map(|(offset, _)| offset).collect();
        Reader {
            source,
            offsets,
            open: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            values: 0,
            mistakes: Vec::new(),
        }
    }

    fn offset(&self, characters: usize) -> usize {
        self.offsets.get(characters).copied().unwrap_or(self.source.text().len())
    }

    fn run(&mut self) -> Step<Option<Node>> {
        let source = self.source;
        let mut documents = 0;
        for event in Parser::new_from_str(source.text()) {
            let (event, place) = event.map_err(|error| {
                let at = self.offset(error.marker().index());
                Box::new(Diagnostic::new(Code::Syntax, source.point(at), format!("this is not YAML: {}", error.info())))
            })?;
            let (start, end) = (self.offset(place.start.index()), self.offset(place.end.index()));
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        return self.fail(
                            Code::Syntax,
                            start,
                            end,
                            "a scenario is one document, and here a second one begins",
                        );
                    }
                }
                Event::Alias(anchor) => self.alias(anchor, start, end)?,
                Event::Scalar(text, style, anchor, tag) => {
                    self.refuse_tag(tag.is_some(), start, end)?;
                    self.scalar(&text, style, anchor, start, end)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.refuse_tag(tag.is_some(), start, end)?;
                    self.begin(Content::List(Vec::new()), anchor, start, end)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.refuse_tag(tag.is_some(), start, end)?;
                    self.begin(Content::Map { entries: Vec::new(), key: None }, anchor, start, end)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.finish(end)?,
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            }
        }
        Ok(self.root.take())
    }

    fn fail<T>(&self, code: Code, start: usize, end: usize, message: impl Into<String>) -> Step<T> {
        Err(Box::new(Diagnostic::new(code, self.source.span(start, end), message)))
    }

    fn refuse_tag(&self, tagged: bool, start: usize, end: usize) -> Step<()> {
        if tagged {
            self.fail(Code::Syntax, start, end, "tags such as !!str mean nothing in a scenario; leave it out")
        } else {
            Ok(())
        }
    }

    fn count(&mut self, more: usize, start: usize, end: usize) -> Step<()> {
        self.values += more;
        if self.values > limit::VALUES_MAX {
            let message = format!("more than {} values, aliases written out", limit::VALUES_MAX);
            return self.fail(Code::Limit, start, end, message);
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, start: usize, end: usize) -> Step<()> {
        let Some(target) = self.anchors.get(&anchor) else {
            return self.fail(Code::Syntax, start, end, "an alias cannot stand inside what it repeats");
        };
        let (size, depth) = (size(target), depth(target));
        if self.open.len() + depth > limit::DEPTH_MAX {
            return self.too_deep(start, end);
        }
        self.count(size, start, end)?;
        let kind = self.anchors[&anchor].kind.clone();
        let span = self.source.span(start, end);
        self.place(Node { span, kind, literal: false }, start, end)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, start: usize, end: usize) -> Step<()> {
        self.count(weight(text), start, end)?;
        if text.len() > limit::TEXT_BYTES_MAX {
            let message = format!("a text of {} bytes; at most {} are allowed", text.len(), limit::TEXT_BYTES_MAX);
            return self.fail(Code::Limit, start, end, message);
        }
        let kind = if style == ScalarStyle::Plain { resolve(text) } else { Kind::Text(text.to_owned()) };
        let span = self.source.span(start, end);
        if let Some(Open { content: Content::Map { entries, key: key @ None }, .. }) = self.open.last_mut() {
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                let mistake = Diagnostic::new(Code::DuplicateKey, span, format!("'{text}' stands here a second time"))
                    .relate(first.key_span, "the first time")
                    .suggest("keep one of them");
                self.mistakes.push(mistake);
            }
            *key = Some((text.to_owned(), span));
            return Ok(());
        }
        let node = Node { span, kind, literal: style == ScalarStyle::Literal };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node, start, end)
    }

    fn begin(&mut self, content: Content, anchor: usize, start: usize, end: usize) -> Step<()> {
        self.count(1, start, end)?;
        if self.open.len() >= limit::DEPTH_MAX {
            return self.too_deep(start, end);
        }
        if let Some(Open { content: Content::Map { key: None, .. }, .. }) = self.open.last() {
            return self.fail(Code::Syntax, start, end, "a key has to be a text");
        }
        self.open.push(Open { start, end, anchor, content });
        Ok(())
    }

    fn too_deep<T>(&self, start: usize, end: usize) -> Step<T> {
        self.fail(Code::Limit, start, end, format!("nested deeper than {} levels", limit::DEPTH_MAX))
    }

    fn finish(&mut self, end: usize) -> Step<()> {
        let Some(open) = self.open.pop() else {
            return self.fail(Code::Syntax, end, end, "an end without a beginning");
        };
        // What the parser calls the end of a block is where the next thing begins; the last child knows better.
        let flow = self.source.text().as_bytes().get(open.start).is_some_and(|byte| matches!(byte, b'{' | b'['));
        let end = if flow { end.max(open.end) } else { open.end };
        let kind = match open.content {
            Content::List(items) => Kind::List(items),
            Content::Map { entries, .. } => Kind::Map(entries),
        };
        let node = Node { span: self.source.span(open.start, end), kind, literal: false };
        if open.anchor != 0 {
            self.anchors.insert(open.anchor, node.clone());
        }
        self.place(node, open.start, end)
    }

    fn place(&mut self, node: Node, start: usize, end: usize) -> Step<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.end = open.end.max(end);
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, key } => match key.take() {
                Some((key, key_span)) => {
                    // The first of two equal keys counts; the second has been reported.
                    if !entries.iter().any(|entry| entry.key == key) {
                        entries.push(Entry { key, key_span, value: node });
                    }
                }
                None => return self.fail(Code::Syntax, start, end, "a key has to be a text"),
            },
        }
        Ok(())
    }
}

/// Values in a tree, a long text for several.
pub(super) fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| weight(&entry.key) + size(&entry.value)).sum::<usize>(),
        Kind::Text(text) => weight(text),
        _ => 1,
    }
}

/// What a text counts: repeating a long one is as costly as repeating many short ones.
fn weight(text: &str) -> usize {
    1 + text.len() / 64
}

/// Levels below a value.
pub(super) fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// What a plain word means, by the core schema of YAML 1.2: `yes` and `2026-11-22` are texts.
fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    // `parse` would take `inf`, `nan` and a leading `+`, too; a number begins like one.
    let digits = text.strip_prefix('-').unwrap_or(text);
    let zero_led = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.starts_with(|first: char| first.is_ascii_digit()) || zero_led {
        return Kind::Text(text.to_owned());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Kind::Number(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Kind::Number(number.into());
    }
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Kind::Number(number),
        None => Kind::Text(text.to_owned()),
    }
}
