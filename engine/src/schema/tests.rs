//! The language, the rules and the contract, from outside.

use arrow_schema::{DataType, TimeUnit};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const COMPANY: &str = "
// people and where they work
node Person {
  name: String @key
  age: I32?, mood: enum(good, bad)? @index
  mail: String? @unique  born: Date?
  seen: DateTime?
  tags: [String]
  face: Vector(4)?
  node: Bool?   edge: Bool?
}
node Company { id: U64 @key }
edge WorksAt: Person -> Company { since: Date? }
edge Knows: Person -> Person
";

fn errors(text: &str) -> SchemaErrors {
    Catalog::parse(text).expect_err("the text is wrong")
}

#[test]
fn a_schema_text_becomes_types_with_columns() {
    let catalog = Catalog::parse(COMPANY).unwrap();
    assert_eq!(catalog.nodes().map(|ty| ty.name.as_str()).collect::<Vec<_>>(), ["Person", "Company"]);
    assert_eq!(catalog.edges().map(|ty| ty.name.as_str()).collect::<Vec<_>>(), ["WorksAt", "Knows"]);
    let person = catalog.node("Person").unwrap();
    assert_eq!(person.identity_columns(), ["name"]);
    let schema = person.arrow_schema();
    let column = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
    assert_eq!(column("seen"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(column("born"), DataType::Date32);
    assert_eq!(column("mood"), DataType::Utf8);
    assert!(matches!(column("tags"), DataType::List(item) if !item.is_nullable()));
    assert!(matches!(column("face"), DataType::FixedSizeList(_, 4)));
    assert!(!schema.field_with_name("tags").unwrap().is_nullable());
    assert!(schema.field_with_name("age").unwrap().is_nullable());
}

#[test]
fn an_edge_has_its_endpoints_first_in_the_type_of_their_keys() {
    let catalog = Catalog::parse(COMPANY).unwrap();
    let edge = catalog.edge("WorksAt").unwrap();
    assert_eq!(edge.identity_columns(), [SRC, DST]);
    let schema = edge.arrow_schema();
    let columns: Vec<_> = schema.fields().iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
    let expected = [("src", DataType::Utf8), ("dst", DataType::UInt64), ("since", DataType::Date32)];
    assert_eq!(columns, expected);
    assert!(!schema.field(0).is_nullable() && !schema.field(1).is_nullable());
    assert_eq!(catalog.edges_of("Company").map(|ty| ty.name.as_str()).collect::<Vec<_>>(), ["WorksAt"]);
}

#[rstest]
#[case::no_key("node A { x: I32 }", "has no key")]
#[case::two_keys("node A { x: I32 @key y: I32 @key }", "more than one key")]
#[case::optional_key("node A { x: I32? @key }", "never missing")]
#[case::float_key("node A { x: F64 @key }", "cannot be of type `F64`")]
#[case::list_key("node A { x: [I32] @key }", "cannot be of type `[I32]`")]
#[case::vector_key("node A { x: Vector(3) @key }", "cannot be of type `Vector(3)`")]
#[case::edge_key("node A { x: I32 @key } edge E: A -> A { y: I32 @key }", "an edge type has no key")]
#[case::unique_float("node A { x: I32 @key y: F32 @unique }", "`@unique` cannot be on type `F32`")]
#[case::unknown_endpoint("node A { x: I32 @key } edge E: A -> B", "there is no node type `B`")]
#[case::edge_as_endpoint("node A { x: I32 @key } edge E: A -> A edge F: E -> A", "`E` is an edge type")]
#[case::duplicate_type("node A { x: I32 @key } node A { x: I32 @key }", "there is a type `A` already")]
#[case::duplicate_across_kinds("node A { x: I32 @key } edge A: A -> A", "there is a type `A` already")]
#[case::duplicate_property("node A { x: I32 @key x: I32 }", "has a property `x` already")]
#[case::case_only("node A { x: I32 @key X: I32 }", "differs from `x` in case only")]
#[case::reserved_src("node A { src: I32 @key }", "the name `src` is reserved")]
#[case::reserved_underscore("node A { _rowid: I32 @key }", "starts with `_`")]
#[case::reserved_type("node _A { x: I32 @key }", "starts with `_`")]
#[case::empty_enum("node A { x: I32 @key y: enum() }", "at least one variant")]
#[case::duplicate_variant("node A { x: I32 @key y: enum(a, b, a) }", "a variant `a` already")]
#[case::flat_vector("node A { x: I32 @key y: Vector(0) }", "is 1 to 65536")]
#[case::huge_vector("node A { x: I32 @key y: Vector(99999999999999999999) }", "is 1 to 65536")]
#[case::nested_list("node A { x: I32 @key y: [[I32]] }", "`[[I32]]` nests")]
#[case::deep_list("node A { x: [[[[[[[[[[[[[[[[I32]]]]]]]]]]]]]]]] }", "nest too deeply")]
#[case::unknown_type("node A { x: int @key }", "there is no type `int`")]
#[case::unknown_attribute("node A { x: I32 @primary }", "expected `@key`, `@unique` or `@index`")]
#[case::twice("node A { x: I32 @key @key }", "is there already")]
#[case::unclosed("node A { x: I32 @key", "found the end of the text")]
#[case::missing_brace("node A { x: I32 @key node B { y: I32 @key }", "expected `}` before the next declaration")]
#[case::missing_type("node A { x: , }", "expected a type, found `,`")]
#[case::no_declaration("table A { x: I32 }", "expected `node` or `edge`")]
#[case::no_arrow("node A { x: I32 @key } edge E: A, A", "expected `->`")]
#[case::stray("node A { x: I32 @key; }", "`;` means nothing here")]
#[case::optional_item("node A { x: I32 @key y: [I32?] }", "never null")]
fn a_mistake_is_named(#[case] text: &str, #[case] expected: &str) {
    let errors = errors(text);
    assert!(errors.iter().any(|error| error.message.contains(expected)), "{errors}");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let found = errors("node Person {\n  name: Strin @key\n  age: F99?\n}\nedge WorksAt: Person -> Compny\n");
    let places: Vec<_> = found.iter().map(|e| (e.line, e.column, e.excerpt.as_str())).collect();
    assert_eq!(places, [(2, 9, "Strin"), (3, 8, "F99"), (5, 25, "Compny")]);
    let shown = found.to_string();
    assert!(shown.contains("schema:5:25") && shown.contains("edge WorksAt: Person -> Compny"), "{shown}");
    assert!(shown.starts_with("the schema has 3 mistakes"), "{shown}");
}

#[test]
fn columns_count_characters_and_hold_in_long_lines() {
    let found = errors("// é\nnode A { x: I32 @key } é / ");
    assert_eq!(found.iter().map(|e| (e.line, e.column)).collect::<Vec<_>>(), [(2, 24), (2, 26)]);
    let text = format!("node A {{ x: I32 @key {} y: I99 }}", " ".repeat(5_000));
    let found = errors(&text);
    let error = found.iter().next().unwrap();
    assert_eq!((error.line, error.column), (1, 5_026));
    assert!(found.to_string().contains("schema:1:5026"), "{found}");
    assert!(found.to_string().len() < 1_000);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_beginning_and_nowhere_else() {
    let marked = Catalog::parse(&format!("\u{feff}{COMPANY}")).unwrap();
    assert_eq!(marked, Catalog::parse(COMPANY).unwrap());
    let wrong = errors("\u{feff}node P { id: I64 @key  x: I33 }").to_string();
    assert!(wrong.contains("1:27"), "{wrong}");
    errors("\u{feff}\u{feff}node P { id: I64 @key }");
    errors("node P { id: I64 @key }\u{feff}");
}

#[test]
fn text_and_mistakes_are_bounded() {
    let long = " ".repeat(limit::TEXT_BYTES_MAX + 1);
    assert!(errors(&long).to_string().contains("at most 1048576 are read"));
    let noisy = "; x ".repeat(10_000);
    let found = errors(&noisy);
    assert_eq!(found.iter().count(), limit::ERRORS_MAX);
    let name = "a".repeat(limit::NAME_BYTES_MAX + 1);
    assert!(errors(&format!("node {name} {{ x: I32 @key }}")).to_string().contains("at most 100 are allowed"));
}

#[test]
fn a_contract_round_trips_and_its_hash_follows_its_content() {
    let catalog = Catalog::parse(COMPANY).unwrap();
    let json = catalog.to_contract_json();
    let read = Catalog::from_contract_json(&json).unwrap();
    assert_eq!(read, catalog);
    assert_eq!(read.to_contract_json(), json);
    assert_eq!(read.contract_hash(), catalog.contract_hash());
    assert_eq!(catalog.contract_hash().len(), 64);
    let other = Catalog::parse("node Person { name: String @key }").unwrap();
    assert_ne!(other.contract_hash(), catalog.contract_hash());
}

#[rstest]
#[case::future(r#"{"format":2,"shape":"unknown"}"#, "it has format 2, this build reads format 1")]
#[case::torn(r#"{"format":1,"types":["#, "EOF")]
#[case::unknown_field(r#"{"format":1,"types":[],"more":1}"#, "unknown field `more`")]
#[case::dangling(r#"{"format":1,"types":[{"id":1,"name":"E","endpoints":[7,7],"properties":[]}]}"#, "names type 7")]
#[case::rule(r#"{"format":1,"types":[{"id":1,"name":"A","properties":[]}]}"#, "has no key")]
#[case::same_id(
    r#"{"format":1,"types":[{"id":1,"name":"A","properties":[]},{"id":1,"name":"B","properties":[]}]}"#,
    "the same id"
)]
fn a_contract_is_read_strictly(#[case] json: &str, #[case] expected: &str) {
    let error = Catalog::from_contract_json(json).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

/// Pieces that reach deep into the grammar more often than random characters do.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "node ", "edge ", "A ", "B", ":", "->", "{", "}", "[", "]", "(", ")", ",", "?", "@key ", "@unique", "@", "\n",
            "I32 ", "String ", "enum(", "Vector(", "3", "// c\n", "x: I32 ", "node A { x: I32 @key }", "é", "\t", "\r\n",
        ])
        .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn reading_never_panics_and_mistakes_can_be_shown(text in soup()) {
        match Catalog::parse(&text) {
            Ok(catalog) => prop_assert_eq!(Catalog::from_contract_json(&catalog.to_contract_json()).unwrap(), catalog),
            Err(errors) => prop_assert!(!errors.to_string().is_empty() && errors.count() > 0),
        }
    }

    #[test]
    fn reading_a_contract_never_panics(text in ".{0,200}") {
        let _ = Catalog::from_contract_json(&text);
    }
}
