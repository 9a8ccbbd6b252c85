//! Loading through the façade, over a store in memory.

use std::io::Cursor;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use rstest::rstest;

use super::*;
use crate::{ErrorKind, Graph};

const SCHEMA: &str = "
node Person { name: String @key  age: I32?  mail: String? @unique  mood: enum(good, bad)? }
node Company { id: U16 @key }
node Thing {
  id: I64 @key  small: I8?  big: U64?  half: F32?  full: F64?  flag: Bool?  day: Date?  at: DateTime?
  tags: [String]?  moods: [enum(x, y)]?  face: Vector(2)?
}
edge WorksAt: Person -> Company { since: Date? }
edge Knows: Person -> Person { badge: U32? @unique }
";

async fn graph() -> Graph {
    let name = ulid::Ulid::from_parts(0, uuid::Uuid::new_v4().as_u128());
    Graph::builder(format!("memory://load-{name}")).create(SCHEMA).await.unwrap()
}

async fn load(graph: &Graph, mode: LoadMode, lines: &str) -> Result<crate::WriteReport> {
    graph.load(Load { mode, ..Load::default() }, Cursor::new(lines.as_bytes().to_vec())).await
}

async fn append(graph: &Graph, lines: &str) -> Result<crate::WriteReport> {
    load(graph, LoadMode::Append, lines).await
}

/// One line of text for each row of a query.
async fn rows(graph: &Graph, sql: &str) -> Vec<String> {
    let batches = graph.query(sql).await.unwrap();
    let show = |batch: &RecordBatch, row: usize| {
        let cells = batch.columns().iter();
        cells.map(|c| arrow_cast::display::array_value_to_string(c, row).unwrap()).collect::<Vec<_>>().join("|")
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| show(batch, row))).collect()
}

async fn refusal(graph: &Graph, mode: LoadMode, lines: &str) -> String {
    let before = graph.snapshot().version();
    let error = load(graph, mode, lines).await.expect_err("the input is wrong");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(graph.snapshot().version(), before, "a refused load publishes nothing");
    error.to_string()
}

const PEOPLE: &str = r#"
{"type":"Person","data":{"name":"alice","age":30,"mail":"a@x"}}
{"type":"Person","data":{"name":"bob"}}
{"type":"Company","data":{"id":7}}
{"type":"WorksAt","from":"alice","to":7,"data":{"since":"2021-05-01"}}
"#;

#[tokio::test]
async fn loaded_rows_are_there_and_counted() {
    let graph = graph().await;
    let report = append(&graph, PEOPLE).await.unwrap();
    let counts = |name: &str| report.rows[name];
    assert_eq!((counts("Person").inserted, counts("Company").inserted, counts("WorksAt").inserted), (2, 1, 1));
    assert_eq!(rows(&graph, "SELECT * FROM Person ORDER BY name").await, ["alice|30|a@x|", "bob|||"]);
    assert_eq!(rows(&graph, "SELECT * FROM WorksAt").await, ["alice|7|2021-05-01"]);
}

#[tokio::test]
async fn every_type_of_value_is_read_as_what_it_is() {
    let graph = graph().await;
    let line = r#"{"data":{"face":[1,2.5],"tags":["a","é\n"],"moods":[],"at":"2024-02-29T12:30:00.000001+02:00",
        "day":"0001-01-01","flag":true,"full":-1e300,"half":0.5,"big":18446744073709551615,"small":-128,"id":-1},
        "type":"Thing"}"#;
    append(&graph, &line.replace('\n', " ")).await.unwrap();
    append(&graph, r#"{"type":"Thing","data":{"id":9,"tags":null}}"#).await.unwrap();
    let sql = "SELECT id, small, big, half, \"full\", flag, day, at, tags[2], moods, face[2] FROM Thing ORDER BY id";
    let found = rows(&graph, sql).await;
    assert_eq!(
        found[0],
        "-1|-128|18446744073709551615|0.5|-1e300|true|0001-01-01|2024-02-29T10:30:00.000001Z|é\n|[]|2.5"
    );
    assert_eq!(found[1], "9||||||||||");
}

#[rstest]
#[case(
    r#"{"type":"Person","data":{"name":"x","age":2147483648}}"#,
    "line 1: Person.age is 2147483648: expected an integer from -2147483648 to 2147483647"
)]
#[case(r#"{"type":"Person","data":{"name":"x","age":1.5}}"#, "Person.age is 1.5: expected an integer")]
#[case(r#"{"type":"Person","data":{"name":"x","age":"old"}}"#, "Person.age is \"old\": expected an integer")]
#[case(r#"{"type":"Person","data":{"name":"x","age":[1]}}"#, "Person.age is a list: expected an integer")]
#[case(r#"{"type":"Person","data":{"name":"x","age":{"a":1}}}"#, "Person.age is an object: expected an integer")]
#[case(r#"{"type":"Person","data":{"name":null}}"#, "Person.name is null: expected a text")]
#[case(r#"{"type":"Person","data":{}}"#, "Person.name is missing: a text is required")]
#[case(r#"{"type":"Person"}"#, "Person.name is missing")]
#[case(r#"{"type":"Person","data":{"name":"x","mood":"meh"}}"#, "Person.mood is \"meh\": expected one of good, bad")]
#[case(r#"{"type":"Person","data":{"name":"x","size":1}}"#, "Person has no property \"size\"")]
#[case(r#"{"type":"Person","data":{"name":"x","name":"y"}}"#, "Person.name is there twice")]
#[case(r#"{"type":"Person","from":"x","data":{"name":"x"}}"#, "Person is a node type: it has no `from`")]
#[case(r#"{"type":"Persn","data":{"name":"x"}}"#, "unknown type \"Persn\": the types are Person, Company")]
#[case(r#"{"data":{"name":"x"}}"#, "`type` is missing")]
#[case(r#"{"type":"Person","type":"Person","data":{"name":"x"}}"#, "`type` is there twice")]
#[case(r#"{"type":"Person","label":"x","data":{"name":"x"}}"#, "unknown key \"label\"")]
#[case(
    r#"{"type":"Person","data":{"name":"x"}"#,
    "cannot be read at column 37: expected `,` or `}`, found the end of the line"
)]
#[case(
    r#"{"type":"Person","data":{"name":"x"}} {}"#,
    "cannot be read at column 39: expected the end of the line, found \"{}\""
)]
#[case(r#"["Person"]"#, "cannot be read at column 1: expected an object with `type` and `data`")]
#[case(r#"{"type":"Knows","to":"x"}"#, "Knows.from is missing: a text is required")]
#[case(r#"{"type":"WorksAt","from":"x","to":70000}"#, "WorksAt.to is 70000: expected an integer from 0 to 65535")]
#[case(r#"{"type":7,"data":{"name":"x"}}"#, "`type` is not the name of a type")]
#[case(r#"{"type":"Person","data":["x"]}"#, "`data` is not an object with properties")]
#[case(r#"{"type":"Person","data":{"name":"x","age":007}}"#, "cannot be read at column 43: expected a number")]
#[case(r#"{"type":"Person","data":{"name":"\q"}}"#, "cannot be read at column 34: an escape that means nothing")]
#[case(r#"{"type":"Thing","data":{"id":1,"full":1e999}}"#, "Thing.full is 1e999: expected a number")]
#[case(r#"{"type":"Thing","data":{"id":1,"face":[1]}}"#, "Thing.face is 1 numbers: expected a list of 2 numbers")]
#[case(
    r#"{"type":"Thing","data":{"id":1,"face":[1,null]}}"#,
    "Thing.face is null: expected a number that 32 bits can hold"
)]
#[case(r#"{"type":"Thing","data":{"id":1,"tags":["a",1]}}"#, "Thing.tags is 1: expected a text")]
#[case(r#"{"type":"Thing","data":{"id":1,"moods":["x","z"]}}"#, "Thing.moods is \"z\": expected one of x, y")]
#[case(
    r#"{"type":"Thing","data":{"id":1,"half":1e300}}"#,
    "Thing.half is 1e300: expected a number that 32 bits can hold"
)]
#[case(r#"{"type":"Thing","data":{"id":1,"day":"2023-02-29"}}"#, "Thing.day is \"2023-02-29\": expected a date")]
#[case(r#"{"type":"Thing","data":{"id":1,"at":"2024-01-01"}}"#, "Thing.at is \"2024-01-01\": expected an instant")]
#[tokio::test]
async fn a_wrong_line_is_refused_by_name(#[case] line: &str, #[case] expected: &str) {
    let refusal = refusal(&graph().await, LoadMode::Append, line).await;
    assert!(refusal.contains(expected), "{refusal}");
}

#[tokio::test]
async fn mistakes_are_reported_together_and_bounded() {
    let lines = "{\"type\":\"Person\",\"data\":{\"name\":1}}\n".repeat(50);
    let refused = refusal(&graph().await, LoadMode::Append, &lines).await;
    assert!(refused.contains("line 20: Person.name is 1") && !refused.contains("line 21"), "{refused}");
    let few = "\n{\"type\":\"Person\",\"data\":{\"name\":1,\"age\":true}}\n\n{\"type\":\"Nobody\"}\n";
    let refused = refusal(&graph().await, LoadMode::Append, few).await;
    for expected in ["3 mistakes", "line 2: Person.name", "line 2: Person.age", "line 4: unknown type"] {
        assert!(refused.contains(expected), "{refused}");
    }
}

#[rstest]
#[case::key_twice_in_the_input(
    r#"{"type":"Person","data":{"name":"eve"}}
{"type":"Person","data":{"name":"eve"}}"#,
    "line 2: Person \"eve\" is in the input already, in line 1"
)]
#[case::key_exists(r#"{"type":"Person","data":{"name":"bob"}}"#, "line 1: Person \"bob\" exists already")]
#[case::integer_key_exists(r#"{"type":"Company","data":{"id":7}}"#, "line 1: Company 7 exists already")]
#[case::edge_exists(r#"{"type":"WorksAt","from":"alice","to":7}"#, "WorksAt from \"alice\" to 7 exists already")]
#[case::unique_twice(
    r#"{"type":"Person","data":{"name":"e","mail":"m"}}
{"type":"Person","data":{"name":"f","mail":"m"}}"#,
    "line 2: Person.mail \"m\" is in the input already, in line 1"
)]
#[case::unique_taken(
    r#"{"type":"Person","data":{"name":"e","mail":"a@x"}}"#,
    "Person.mail \"a@x\" is taken by another row"
)]
#[case::no_start(r#"{"type":"Knows","from":"zoe","to":"bob"}"#, "Knows starts at Person \"zoe\", which does not exist")]
#[case::no_end(r#"{"type":"WorksAt","from":"bob","to":8}"#, "WorksAt ends at Company 8, which does not exist")]
#[tokio::test]
async fn what_occurs_once_and_what_must_exist_is_checked(#[case] lines: &str, #[case] expected: &str) {
    let graph = graph().await;
    append(&graph, PEOPLE).await.unwrap();
    let refused = refusal(&graph, LoadMode::Append, lines).await;
    assert!(refused.contains(expected), "{refused}");
}

#[tokio::test]
async fn an_edge_may_stand_before_its_nodes_and_missing_values_never_collide() {
    let graph = graph().await;
    let lines = r#"{"type":"Knows","from":"a","to":"b"}
{"type":"Knows","from":"b","to":"a","data":{}}
{"type":"Person","data":{"name":"a"}}
{"type":"Person","data":{"name":"b","mail":null}}"#;
    append(&graph, lines).await.unwrap();
    assert_eq!(rows(&graph, "SELECT src, dst FROM Knows ORDER BY src").await, ["a|b", "b|a"]);
}

#[tokio::test]
async fn merge_replaces_whole_rows_by_identity() {
    let graph = graph().await;
    append(&graph, PEOPLE).await.unwrap();
    let lines = r#"{"type":"Person","data":{"name":"alice","mood":"good"}}
{"type":"Person","data":{"name":"carl","mail":"a@x"}}
{"type":"WorksAt","from":"alice","to":7}"#;
    let report = load(&graph, LoadMode::Merge, lines).await.unwrap();
    let person = report.rows["Person"];
    assert_eq!((person.inserted, person.updated, person.deleted), (1, 1, 0));
    // alice lost age and mail, so that carl could take her mail.
    assert_eq!(rows(&graph, "SELECT * FROM Person ORDER BY name").await, ["alice|||good", "bob|||", "carl||a@x|"]);
    assert_eq!(rows(&graph, "SELECT * FROM WorksAt").await, ["alice|7|"]);
    let refused = refusal(&graph, LoadMode::Merge, r#"{"type":"Person","data":{"name":"bob","mail":"a@x"}}"#).await;
    assert!(refused.contains("Person.mail \"a@x\" is taken"), "{refused}");
}

#[tokio::test]
async fn overwrite_replaces_the_types_of_the_input_and_leaves_no_edge_dangling() {
    let graph = graph().await;
    append(&graph, PEOPLE).await.unwrap();
    let only_bob = r#"{"type":"Person","data":{"name":"bob","age":1}}"#;
    let refused = refusal(&graph, LoadMode::Overwrite, only_bob).await;
    assert!(refused.contains("WorksAt has an edge that starts at Person \"alice\", which would be gone"), "{refused}");
    let with_edges = format!("{only_bob}\n{}", r#"{"type":"WorksAt","from":"bob","to":7}"#);
    let report = load(&graph, LoadMode::Overwrite, &with_edges).await.unwrap();
    assert_eq!((report.rows["Person"].inserted, report.rows["Person"].deleted), (1, 2));
    assert_eq!(rows(&graph, "SELECT name, age FROM Person").await, ["bob|1"]);
    assert_eq!(rows(&graph, "SELECT src, dst FROM WorksAt").await, ["bob|7"]);
    assert_eq!(rows(&graph, "SELECT id FROM Company").await, ["7"]);
}

#[rstest]
#[case::byte_order_mark("\u{feff}{\"type\":\"Company\",\"data\":{\"id\":1}}")]
#[case::byte_order_mark_and_line("\u{feff}\n{\"type\":\"Company\",\"data\":{\"id\":1}}\n")]
#[case::line_ends("\r\n{\"type\":\"Company\",\"data\":{\"id\":1}}\r\n\r\n")]
#[case::whole_number("{\"type\":\"Company\",\"data\":{\"id\":10e-1}}")]
#[tokio::test]
async fn what_says_nothing_changes_nothing(#[case] lines: &str) {
    let graph = graph().await;
    assert_eq!(append(&graph, lines).await.unwrap().rows["Company"].inserted, 1);
    assert_eq!(rows(&graph, "SELECT id FROM Company").await, ["1"]);
}

#[tokio::test]
async fn a_byte_order_mark_alone_is_no_row_and_a_second_one_is_no_space() {
    let graph = graph().await;
    assert!(append(&graph, "\u{feff}").await.unwrap().rows.is_empty());
    let refused = refusal(&graph, LoadMode::Append, "\n\u{feff}{\"type\":\"Company\",\"data\":{\"id\":1}}").await;
    assert!(refused.contains("line 2: cannot be read at column 1"), "{refused}");
}

#[tokio::test]
async fn a_text_may_hold_every_character_and_no_half_of_one() {
    let graph = graph().await;
    append(&graph, r#"{"type":"Person","data":{"name":"\u0000\ud83d\ude00e\u0301"}}"#).await.unwrap();
    append(&graph, r#"{"type":"Person","data":{"name":"\u0000\ud83d\ude00\u00e9"}}"#).await.unwrap();
    assert_eq!(rows(&graph, "SELECT octet_length(name) FROM Person ORDER BY name").await, ["8", "7"]);
    let refused = refusal(&graph, LoadMode::Append, r#"{"type":"Person","data":{"name":"\ud800"}}"#).await;
    assert!(refused.contains("an escape that means nothing"), "{refused}");
    let bytes = b"{\"type\":\"Person\",\"data\":{\"name\":\"\xff\"}}".to_vec();
    let error = graph.load(Load::append(), Cursor::new(bytes)).await.unwrap_err();
    assert!(error.to_string().contains("line 1: not UTF-8"), "{error}");
}

#[test]
fn wide_rows_of_short_lines_are_decoded_in_parts() {
    let properties: String = (0..999).map(|n| format!("p{n}: I64?\n")).collect();
    let catalog = Arc::new(crate::schema::Catalog::parse(&format!("node T {{ id: I64 @key\n{properties} }}")).unwrap());
    let lines: String = (0..5_000).map(|n| format!("{{\"type\":\"T\",\"data\":{{\"id\":{n}}}}}\n")).collect();
    let (mut rest, mut parts, mut rows) = (lines.as_bytes(), 0, 0);
    while !rest.is_empty() {
        let decoded = decode(&catalog, rest).unwrap();
        let held: usize = decoded.batches.iter().map(|typed| typed.batch.get_array_memory_size()).sum();
        assert!(held < 64 << 20, "{held} bytes at once");
        rows += decoded.batches.iter().map(|typed| typed.batch.num_rows()).sum::<usize>();
        rest = &rest[decoded.bytes..];
        parts += 1;
    }
    assert_eq!(rows, 5_000);
    assert!(parts > 1, "in one part");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_vectors_are_loaded_checked_and_missing_afterwards() {
    let schema = "node T { id: I64 @key  v: Vector(65536)? }";
    let graph = Graph::builder(format!("memory://vectors-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap();
    let lines: String = (0..300).map(|n| format!("{{\"type\":\"T\",\"data\":{{\"id\":{n}}}}}\n")).collect();
    assert_eq!(append(&graph, &lines).await.unwrap().rows["T"].inserted, 300);
    let found = rows(&graph, "SELECT count(*), count(v), count(DISTINCT id) FROM T").await;
    assert_eq!(found, ["300|0|300"]);
    let refused = refusal(&graph, LoadMode::Append, r#"{"type":"T","data":{"id":7}}"#).await;
    assert!(refused.contains("T 7 exists already"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_in_neighbouring_rows_are_written_apart() {
    let schema = "node T { id: I64 @key  text: String }";
    let graph = Graph::builder(format!("memory://texts-{}", uuid::Uuid::new_v4())).create(schema).await.unwrap();
    let text = "x".repeat(5 << 20);
    let lines: String =
        (0..6).map(|n| format!("{{\"type\":\"T\",\"data\":{{\"id\":{n},\"text\":\"{text}\"}}}}\n")).collect();
    for part in decode(graph.snapshot().catalog(), lines.as_bytes()).unwrap().batches {
        assert!(part.batch.num_rows() == 1, "a batch of {} rows", part.batch.num_rows());
    }
    append(&graph, &lines).await.unwrap();
    assert_eq!(rows(&graph, "SELECT sum(octet_length(text)) FROM T").await, [(6 * (5 << 20)).to_string()]);
}

fn many(range: std::ops::Range<usize>) -> String {
    let mut lines = String::new();
    for n in range {
        lines.push_str(&format!("{{\"type\":\"Knows\",\"from\":\"p{n}\",\"to\":\"p{}\"}}\n", n ^ 1));
        lines.push_str(&format!(
            "{{\"type\":\"Person\",\"data\":{{\"name\":\"p{n}\",\"age\":{n},\"mail\":\"m{n}\"}}}}\n"
        ));
    }
    lines
}

async fn count(graph: &Graph, ty: &str) -> i64 {
    let batches = graph.query(&format!("SELECT count(*) FROM {ty}")).await.unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_input_is_streamed_and_checked_like_a_small_one() {
    let graph = graph().await;
    let lines = many(0..40_000);
    assert!(lines.len() > 2 * source::PIECE_BYTES, "the input takes the streaming path");
    let report = append(&graph, &lines).await.unwrap();
    assert_eq!((report.rows["Person"].inserted, report.rows["Knows"].inserted), (40_000, 40_000));
    assert_eq!((count(&graph, "Person").await, count(&graph, "Knows").await), (40_000, 40_000));

    let again = many(40_000..80_000).replace("\"p70000\"", "\"p9\"");
    let refused = refusal(&graph, LoadMode::Append, &again).await;
    assert!(refused.contains("Person \"p9\" exists already"), "{refused}");
    let dangling = format!("{}{}", many(40_000..80_000), r#"{"type":"Knows","from":"p9","to":"nobody"}"#);
    let refused = refusal(&graph, LoadMode::Append, &dangling).await;
    assert!(refused.contains("line 80001: Knows ends at Person \"nobody\""), "{refused}");

    let report = load(&graph, LoadMode::Merge, &many(20_000..60_000)).await.unwrap();
    assert_eq!((report.rows["Person"].inserted, report.rows["Person"].updated), (20_000, 20_000));
    assert_eq!((count(&graph, "Person").await, count(&graph, "Knows").await), (60_000, 60_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlong_line_ends_the_load() {
    let graph = graph().await;
    let lines = format!("{}{{\"type\":\"{}", many(0..10), "x".repeat(source::LINE_BYTES_MAX + 1));
    let refused = refusal(&graph, LoadMode::Append, &lines).await;
    assert!(refused.contains("line 21: longer than 16777216 bytes"), "{refused}");
}

proptest::proptest! {
    #[test]
    fn numbers_are_read_exactly(full in proptest::num::f64::NORMAL, half in proptest::num::f32::NORMAL, big: u64) {
        use arrow_array::types::{Float32Type, Float64Type, UInt64Type};
        let catalog = Arc::new(crate::schema::Catalog::parse(SCHEMA).unwrap());
        let line = format!("{{\"type\":\"Thing\",\"data\":{{\"id\":1,\"full\":{full:e},\"half\":{half},\"big\":{big}}}}}");
        let decoded = decode(&catalog, line.as_bytes()).unwrap();
        decoded.mistakes.into_result().unwrap();
        let batch = &decoded.batches[0].batch;
        let column = |name: &str| batch.column_by_name(name).unwrap();
        proptest::prop_assert_eq!(column("full").as_primitive::<Float64Type>().value(0).to_bits(), full.to_bits());
        proptest::prop_assert_eq!(column("half").as_primitive::<Float32Type>().value(0).to_bits(), half.to_bits());
        proptest::prop_assert_eq!(column("big").as_primitive::<UInt64Type>().value(0), big);
    }

    #[test]
    fn decoding_never_panics(lines in "[ -~\n\"{}:,\\[\\]é]{0,200}") {
        let catalog = crate::schema::Catalog::parse(SCHEMA).unwrap();
        let decoded = decode(&Arc::new(catalog), lines.as_bytes()).unwrap();
        proptest::prop_assert!(decoded.batches.is_empty() || decoded.mistakes.is_empty());
    }
}

async fn stack(name: &str, layers: &[Arc<dyn crate::storage::StoreLayer>]) -> crate::storage::Stack {
    let name = format!("memory://load-{name}-{}", uuid::Uuid::new_v4());
    crate::storage::Stack::open(&name.parse().unwrap(), &crate::StorageOptions::default(), layers).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_large_load_takes_back_what_it_wrote() {
    let stack = stack("discard", &[]).await;
    let graph = Graph::builder("memory://ignored").stack(stack.clone()).create(SCHEMA).await.unwrap();
    let objects = async || {
        let mut names: Vec<String> = Vec::new();
        for prefix in ["nodes", "edges", "__recovery"] {
            let found = stack.objects().list_recursive(prefix).await.unwrap();
            names.extend(found.into_iter().map(|object| format!("{object:?}")));
        }
        names
    };
    let before = objects().await;
    let lines = format!("{}{}", many(0..40_000), r#"{"type":"Knows","from":"p9","to":"nobody"}"#);
    refusal(&graph, LoadMode::Append, &lines).await;
    assert_eq!(objects().await, before);
    let lines = format!("{}{}", many(0..40_000), r#"{"type":"Nobody"}"#);
    refusal(&graph, LoadMode::Append, &lines).await;
    assert_eq!(objects().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_loads_at_once_both_succeed_or_one_is_told_why() {
    let graph = graph().await;
    for round in 0..5 {
        let line = |name: &str| format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}{round}\"}}}}");
        let (one, other) = (line("a"), line("b"));
        let (one, other) = tokio::join!(append(&graph, &one), append(&graph, &other));
        one.and(other).expect("different rows");
        let same = line("c");
        let (one, other) = tokio::join!(append(&graph, &same), append(&graph, &same));
        let loser = one.err().or(other.err()).expect("the same row twice");
        assert!(loser.to_string().contains("exists already"), "{loser}");
    }
    assert_eq!(count(&graph, "Person").await, 15);
}

/// Reads of data files fail while it is on.
#[derive(Debug, Default)]
struct DeafData(std::sync::atomic::AtomicBool);

impl crate::storage::FaultPolicy for DeafData {
    fn verdict(&self, call: &crate::storage::Call) -> crate::storage::Verdict {
        use crate::storage::{FaultKind, Operation, PathClass, Verdict};
        let on = self.0.load(std::sync::atomic::Ordering::SeqCst);
        match (call.operation, call.class) {
            (Operation::Get, PathClass::TableData) if on => Verdict::Fail(FaultKind::ConnectionLost),
            _ => Verdict::Pass,
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_told_apart_from_wrong_rows_and_wrong_sql() {
    let deaf = Arc::new(DeafData::default());
    let layer = Arc::new(crate::storage::FaultLayer::new(deaf.clone()));
    let stack = stack("deaf", &[layer]).await;
    let graph = Graph::builder("memory://ignored").stack(stack.clone()).create(SCHEMA).await.unwrap();
    append(&graph, PEOPLE).await.unwrap();
    deaf.0.store(true, std::sync::atomic::Ordering::SeqCst);
    let line = r#"{"type":"Person","data":{"name":"zoe"}}"#;
    let errors = [
        graph.query("SELECT * FROM Person").await.unwrap_err(),
        append(&graph, line).await.unwrap_err(),
        graph.mutate(crate::Mutate::sql("UPDATE Person SET age = 1")).await.unwrap_err(),
        graph.mutate(crate::Mutate::sql("DELETE FROM Person")).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
        assert!(error.is_retryable());
    }
    deaf.0.store(false, std::sync::atomic::Ordering::SeqCst);
    append(&graph, line).await.unwrap();
    assert_eq!(count(&graph, "Person").await, 3);
}
