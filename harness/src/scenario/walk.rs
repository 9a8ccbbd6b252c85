//! The walk over a file: one value against one shape, every mistake at once.

use super::format;
use super::limit;
use super::nearest::{list, nearest};
use super::shape::{Bounds, Field, MapShape, Place, Shape, Shapes};
use super::tree::{Entry, Kind, Node};
use crate::diagnostic::{Code, Diagnostic, Source, Span};

/// Compares a value with the shape at a place and adds every mistake to `mistakes`. Whether there was none is told.
pub fn walk(source: &Source, node: &Node, place: Place, mistakes: &mut Vec<Diagnostic>) -> bool {
    let before = mistakes.len();
    Walk { source, shapes: Shapes::of_a_scenario(), mistakes }.value(node, place);
    mistakes.len() == before
}

struct Walk<'a> {
    source: &'a Source,
    shapes: &'static Shapes,
    mistakes: &'a mut Vec<Diagnostic>,
}

/// Which variant of a map was chosen.
struct Chosen<'s, 'e> {
    /// The keys that belong to it.
    fields: Vec<&'s Field>,
    /// The key that was reported where it is none, and where the value below it would stand.
    blamed: Option<(&'e str, Option<Place>)>,
}

impl Walk<'_> {
    fn value(&mut self, node: &Node, place: Place) {
        let shape = self.shapes.at(place);
        if shape.anything {
            return;
        }
        match &node.kind {
            Kind::Text(text) if shape.words.iter().any(|word| word == text) => {}
            Kind::Text(text) => match &shape.text {
                Some(Some(form)) => format::judge(form, text, node, self.source, self.mistakes),
                Some(None) => {}
                None if shape.words.is_empty() => self.wrong_type(node, shape),
                None => self.unknown_word(text, node.span, shape),
            },
            Kind::Number(number) => match (shape.whole, shape.number) {
                (Some(bounds), _) if !number.is_f64() => self.within(number.as_f64(), bounds, node.span),
                (_, Some(bounds)) => self.within(number.as_f64(), bounds, node.span),
                _ => self.wrong_type(node, shape),
            },
            Kind::Bool(_) if shape.flag => {}
            Kind::List(items) => match shape.list {
                Some(place) => items.iter().for_each(|item| self.value(item, place)),
                None => self.wrong_type(node, shape),
            },
            Kind::Map(entries) => match &shape.map {
                Some(map) => self.map(node, entries, map),
                None => self.wrong_type(node, shape),
            },
            Kind::Bool(_) | Kind::Null => self.wrong_type(node, shape),
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], shape: &MapShape) {
        let mut fields: Vec<&Field> = shape.fields.iter().collect();
        let mut blamed = None;
        if !shape.variants.is_empty() {
            let chosen = self.variant(node, entries, shape);
            fields.extend(chosen.fields);
            blamed = chosen.blamed;
        }
        for entry in entries {
            match (fields.iter().find(|field| field.key == entry.key), shape.rest) {
                (Some(field), _) => self.value(&entry.value, field.place),
                (None, Some(place)) => self.value(&entry.value, place),
                // A key of a variant that was not chosen has been reported where the choice was made.
                (None, None) if shape.variants.iter().any(|variant| variant.key() == entry.key) => {}
                (None, None) => {
                    let meant = match &blamed {
                        Some((key, meant)) if *key == entry.key => *meant,
                        _ => self.unknown_key(entry, shape, &fields),
                    };
                    // What stands under a misspelt key has mistakes of its own, and they are to be seen now.
                    if let Some(place) = meant {
                        self.value(&entry.value, place);
                    }
                }
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            if !entries.iter().any(|entry| entry.key == field.key) {
                let span = entries.first().map_or(node.span, |first| first.key_span);
                self.push(Diagnostic::new(Code::MissingKey, span, format!("'{}' is missing here", field.key)));
            }
        }
    }

    /// Which variant the map is. Where it is none, the key to blame is reported, and the nearest variant is taken.
    fn variant<'s, 'e>(&mut self, node: &Node, entries: &'e [Entry], shape: &'s MapShape) -> Chosen<'s, 'e> {
        let mut chosen =
            entries.iter().filter_map(|entry| Some((entry, shape.variants.iter().find(|one| one.key() == entry.key)?)));
        let Some((first, variant)) = chosen.next() else {
            let names: Vec<&str> = shape.variants.iter().map(|variant| variant.key()).collect();
            let unknown = entries.iter().find(|entry| !shape.fields.iter().any(|field| field.key == entry.key));
            let span = unknown.or(entries.first()).map_or(node.span, |entry| entry.key_span);
            let near = unknown.and_then(|entry| nearest(&entry.key, &names));
            let suggestion =
                near.map_or_else(|| format!("it may be {}", list(&names)), |near| format!("did you mean '{near}'?"));
            self.push(Diagnostic::new(Code::MissingKey, span, "nothing here says what is meant").suggest(suggestion));
            let blamed = unknown.map(|entry| entry.key.as_str());
            if let Some(meant) = near.and_then(|near| shape.variants.iter().find(|variant| variant.key() == near)) {
                let (first, others) = (&meant.fields[0], &meant.fields[1..]);
                return Chosen { fields: others.iter().collect(), blamed: blamed.map(|key| (key, Some(first.place))) };
            }
            // Without the choice it is open which keys belong here.
            let possible = shape.variants.iter().flat_map(|variant| &variant.fields).filter(|field| !field.required);
            return Chosen { fields: possible.collect(), blamed: blamed.map(|key| (key, None)) };
        };
        for (other, _) in chosen {
            let message = format!("'{}' and '{}' cannot stand together", first.key, other.key);
            let mistake =
                Diagnostic::new(Code::Contradiction, other.key_span, message).relate(first.key_span, "the other one");
            self.push(mistake.suggest("split it in two"));
        }
        Chosen { fields: variant.fields.iter().collect(), blamed: None }
    }

    /// Where the value stands that was meant, as far as it can be told.
    fn unknown_key(&mut self, entry: &Entry, shape: &MapShape, fields: &[&Field]) -> Option<Place> {
        let names: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        let noun = shape.key_noun.as_deref().unwrap_or("key");
        let near = nearest(&entry.key, &names);
        let suggestion = match near {
            Some(near) => Some(format!("did you mean '{near}'?")),
            None if names.is_empty() => Some("nothing stands here; write {}".to_owned()),
            None => Some(format!("there are {}", list(&names))),
        };
        let message = match noun {
            "key" => format!("'{}' means nothing here", entry.key),
            noun => format!("there is no {noun} '{}'", entry.key),
        };
        self.push(Diagnostic::new(Code::UnknownKey, entry.key_span, message).suggest_maybe(suggestion));
        let meant = near.and_then(|near| fields.iter().find(|field| field.key == near)).map(|field| field.place);
        // Failpoints, for one: whichever was meant, the value is of one kind.
        meant.or_else(|| {
            let first = fields.first()?.place;
            (fields.len() > 1 && fields.iter().all(|field| field.place == first)).then_some(first)
        })
    }

    fn unknown_word(&mut self, text: &str, span: Span, shape: &Shape) {
        let words: Vec<&str> = shape.words.iter().map(String::as_str).collect();
        let keys: Vec<&str> = shape.map.iter().flat_map(|map| &map.variants).map(|variant| variant.key()).collect();
        let suggestion = match (nearest(text, &words), nearest(text, &keys)) {
            (Some(near), _) => format!("did you mean '{near}'?"),
            (None, Some(key)) => format!("it needs a value: {{{key}: …}}"),
            (None, None) => format!("there are {}", list(&words)),
        };
        let noun = shape.noun.as_deref().unwrap_or("word");
        let message = if noun == "word" {
            format!("'{text}' means nothing here")
        } else {
            format!("there is no {noun} '{text}'")
        };
        self.push(Diagnostic::new(Code::UnknownWord, span, message).suggest(suggestion));
    }

    fn within(&mut self, number: Option<f64>, (least, greatest): Bounds, span: Span) {
        let Some(number) = number else { return };
        let range = match (least, greatest) {
            (Some(least), _) if number < least => format!("at least {least}"),
            (_, Some(greatest)) if number > greatest => format!("at most {greatest}"),
            _ => return,
        };
        self.push(
            Diagnostic::new(Code::OutOfRange, span, format!("{number} is out of range"))
                .suggest(format!("it has to be {range}")),
        );
    }

    fn wrong_type(&mut self, node: &Node, shape: &Shape) {
        let found = match &node.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(flag) => format!("the flag {flag}"),
            Kind::Number(number) => format!("the number {number}"),
            Kind::Text(_) => "a text".to_owned(),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        };
        let quoted = shape.text.is_some() && matches!(node.kind, Kind::Bool(_) | Kind::Number(_));
        let suggestion = match &node.kind {
            _ if quoted => Some(format!("put it in quotes: \"{}\"", self.source.slice(node.span))),
            Kind::Null if shape.map.as_ref().is_some_and(|map| map.fields.iter().all(|field| !field.required)) => {
                Some("write {}".to_owned())
            }
            Kind::Null => Some("leave the key out, or say what it is".to_owned()),
            Kind::Text(_) | Kind::Number(_) if shape.list.is_some() => {
                Some(format!("put it in brackets: [{}]", self.source.slice(node.span)))
            }
            _ => None,
        };
        let message = format!("{found} stands where {} has to be", expected(shape));
        self.push(Diagnostic::new(Code::WrongType, node.span, message).suggest_maybe(suggestion));
    }

    fn push(&mut self, mistake: Diagnostic) {
        if self.mistakes.len() < limit::DIAGNOSTICS_MAX {
            self.mistakes.push(mistake);
        }
    }
}

fn expected(shape: &Shape) -> String {
    let words: Vec<&str> = shape.words.iter().map(String::as_str).collect();
    let mut kinds = Vec::new();
    match &words[..] {
        [] => {}
        [only] => kinds.push(format!("'{only}'")),
        many => kinds.push(format!("one of {}", list(many))),
    }
    let others = [
        (shape.text.is_some(), "a text"),
        (shape.whole.is_some(), "a whole number"),
        (shape.number.is_some(), "a number"),
        (shape.flag, "true or false"),
        (shape.list.is_some(), "a list"),
    ];
    kinds.extend(others.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned()));
    if let Some(map) = &shape.map {
        let keys: Vec<&str> = map.variants.iter().map(|variant| variant.key()).collect();
        kinds.push(if keys.is_empty() { "a map".to_owned() } else { format!("a map with {}", list(&keys)) });
    }
    kinds.join(" or ")
}
