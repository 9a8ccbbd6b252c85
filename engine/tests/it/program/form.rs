//! The forms that rows have.

use super::{people, program, run};

const ALL: &str = "SELECT name, age, tags FROM Person ORDER BY name";

#[tokio::test]
async fn without_a_word_about_it_a_script_gets_json_lines() {
    let graph = people().await;
    let out = run(program(graph.path()).args(["query", "SELECT name, age FROM Person WHERE age = 30"])).done();
    assert_eq!(out, "{\"name\":\"alice\",\"age\":30}\n");
}

#[tokio::test]
async fn csv_tells_a_missing_value_from_an_empty_text() {
    let graph = people().await;
    let sql = "SELECT name, age, tags, '' AS empty FROM Person WHERE name < 'c' ORDER BY name";
    let out = run(program(graph.path()).args(["query", sql, "--format", "csv"])).done();
    let expected =
        "name,age,tags,empty\nalice,30,\"[\"\"a\"\",\"\"b\"\"]\",\"\"\n\"bob, \"\"the\"\" builder\",,,\"\"\n";
    assert_eq!(out, expected);
}

#[tokio::test]
async fn a_table_fits_and_nothing_in_it_drives_a_terminal() {
    let graph = people().await;
    for columns in ["0", "1", "20", "40", "80", "300", "none"] {
        let out = run(program(graph.path()).args(["query", ALL, "--format", "table"]).env("COLUMNS", columns)).done();
        assert!(out.ends_with("3 rows\n") && !out.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}']), "{out:?}");
        let width: usize = columns.parse().unwrap_or(0);
        if width >= 40 {
            let widest = out.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{columns}: {out}");
        }
    }
    let out = run(program(graph.path()).args(["query", ALL, "--format", "table"])).done();
    assert!(out.contains("eve\\n\\u{1b}[2J\\u{9b}\\u{202e}\\u{200b}"), "{out}");
    let json = run(program(graph.path()).args(["query", ALL])).done();
    assert!(!json.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}']), "{json:?}");
    assert_eq!(super::objects(&json)[2]["name"], "eve\n\u{1b}[2J\u{9b}\u{202e}\u{200b}");
}

/// The bytes that a query writes in this form.
fn bytes(graph: &std::path::Path, sql: &str, format: &str) -> Vec<u8> {
    let output = program(graph).args(["query", sql, "--format", format]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[tokio::test]
async fn arrow_and_parquet_hold_the_same_rows() {
    let graph = people().await;
    let stream = bytes(graph.path(), ALL, "arrow");
    let stream: Vec<_> =
        arrow::ipc::reader::StreamReader::try_new(stream.as_slice(), None).unwrap().map(Result::unwrap).collect();
    let file = bytes::Bytes::from(bytes(graph.path(), ALL, "parquet"));
    let file = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let file: Vec<_> = file.build().unwrap().map(Result::unwrap).collect();
    let rows = |batches: &[arrow_array::RecordBatch]| {
        let batch = arrow_select::concat::concat_batches(&batches[0].schema(), batches).unwrap();
        (batch.num_rows(), batch.columns().to_vec())
    };
    assert_eq!(rows(&stream).0, 3);
    assert_eq!(rows(&stream), rows(&file));
}

#[tokio::test]
async fn a_result_without_rows_has_its_columns_in_every_form() {
    let graph = people().await;
    let sql = "SELECT name, age FROM Person WHERE name = 'nobody'";
    let out = |format: &str| String::from_utf8(bytes(graph.path(), sql, format)).unwrap();
    assert_eq!((out("json"), out("csv")), (String::new(), "name,age\n".into()));
    assert!(out("table").contains("name") && out("table").ends_with("\n0 rows\n"), "{}", out("table"));
    let stream = bytes(graph.path(), sql, "arrow");
    assert_eq!(arrow::ipc::reader::StreamReader::try_new(stream.as_slice(), None).unwrap().schema().fields().len(), 2);
    let file = bytes::Bytes::from(bytes(graph.path(), sql, "parquet"));
    let file = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(file.schema().fields().len(), 2);
}

#[tokio::test]
async fn a_value_that_a_form_has_no_word_for_is_refused() {
    let graph = people().await;
    let sql = "SELECT INTERVAL '1 month' AS span FROM Person";
    let said = run(program(graph.path()).args(["query", sql, "--format", "parquet"])).ended_with(3);
    assert!(said.contains("no form in parquet") && said.contains("CAST"), "{said}");
}
