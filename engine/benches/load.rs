//! Loading many narrow rows, against a raw Lance append of the same batches.
//!
//! Each measurement runs in a process of its own, so that its peak memory is its own. Prints one JSON object a line:
//! what, rows, seconds, rows per second, peak resident memory in MiB; then the ratio of the two. It holds nobody to
//! anything: numbers depend on the machine, and the ratio on how the build was optimised.
//!
//! `load [ROWS …]` (default: 1000000 4000000).

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{Float64Array, Int32Array, RecordBatch, StringArray};
use lance::dataset::{InsertBuilder, WriteMode, WriteParams};
use omnigraph::storage::{Stack, StorageOptions, StorageUri};
use omnigraph::{Graph, Load};
use serde_json::json;

const SCHEMA: &str = "node Person { name: String @key  age: I32?  score: F64? }";
const BATCH_ROWS: usize = 8_192;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [measure, what, rows, directory] = arguments.as_slice()
        && measure == "measure"
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(run(what, rows.parse()?, Path::new(directory)));
    }
    let sizes: Vec<usize> = match arguments.as_slice() {
        [] => vec![1_000_000, 4_000_000],
        sizes => sizes.iter().map(|size| size.parse()).collect::<Result<_, _>>()?,
    };
    for rows in sizes {
        let raw = measure("lance", rows)?;
        let graph = measure("omnigraph", rows)?;
        println!("{}", json!({"rows": rows, "ratio": (graph / raw * 100.0).round() / 100.0}));
    }
    Ok(())
}

/// Runs one measurement in a child process, and gives its rows per second.
fn measure(what: &str, rows: usize) -> Outcome<f64> {
    let directory = tempfile::tempdir()?;
    write_lines(&directory.path().join("rows.jsonl"), rows)?;
    let child = Command::new(std::env::current_exe()?)
        .args(["measure", what, &rows.to_string()])
        .arg(directory.path())
        .output()?;
    std::io::stderr().write_all(&child.stderr)?;
    let answer: serde_json::Value = serde_json::from_slice(&child.stdout)?;
    println!("{answer}");
    Ok(answer["rows_per_second"].as_f64().unwrap_or_default())
}

async fn run(what: &str, rows: usize, directory: &Path) -> Outcome<()> {
    let root = directory.join("graph");
    std::fs::create_dir(&root)?;
    let seconds = match what {
        "lance" => append_raw(&root, rows).await?,
        _ => load(&root, &directory.join("rows.jsonl")).await?,
    };
    let rows_per_second = (rows as f64 / seconds).round();
    println!(
        "{}",
        json!({"what": what, "rows": rows, "seconds": seconds, "rows_per_second": rows_per_second, "peak_mib": peak_mib()})
    );
    Ok(())
}

async fn append_raw(root: &Path, rows: usize) -> Outcome<f64> {
    let uri: StorageUri = root.display().to_string().parse()?;
    let stack = Stack::open(&uri, &StorageOptions::default(), &[]).await?;
    let schema = batch(0..0).schema();
    // Made beforehand: what is measured is Lance alone. Its peak memory therefore says nothing.
    let batches: Vec<_> =
        (0..rows).step_by(BATCH_ROWS).map(|from| Ok(batch(from..(from + BATCH_ROWS).min(rows)))).collect();
    let started = Instant::now();
    let reader = arrow_array::RecordBatchIterator::new(batches, schema);
    let params = WriteParams { mode: WriteMode::Create, ..stack.lance().write_params() };
    let uri = stack.lance().uri("raw.lance");
    InsertBuilder::new(uri.as_str()).with_params(&params).execute_stream(reader).await?;
    Ok(started.elapsed().as_secs_f64())
}

async fn load(root: &Path, lines: &Path) -> Outcome<f64> {
    let graph = Graph::builder(root.display()).create(SCHEMA).await?;
    let started = Instant::now();
    let reader = tokio::io::BufReader::with_capacity(1 << 20, tokio::fs::File::open(lines).await?);
    graph.load(Load::append(), reader).await?;
    Ok(started.elapsed().as_secs_f64())
}

fn batch(rows: std::ops::Range<usize>) -> RecordBatch {
    let names = StringArray::from_iter_values(rows.clone().map(|row| format!("person-{row:09}")));
    let ages = Int32Array::from_iter_values(rows.clone().map(|row| (row % 90) as i32));
    let scores = Float64Array::from_iter_values(rows.map(|row| row as f64 / 8.0));
    let schema = omnigraph::schema::Catalog::parse(SCHEMA).map(|catalog| catalog.types()[0].arrow_schema());
    let schema = schema.unwrap_or_else(|mistake| panic!("{mistake}"));
    RecordBatch::try_new(schema, vec![Arc::new(names), Arc::new(ages), Arc::new(scores)])
        .unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn write_lines(path: &Path, rows: usize) -> Outcome<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for row in 0..rows {
        let (age, score) = (row % 90, row as f64 / 8.0);
        writeln!(file, r#"{{"type":"Person","data":{{"name":"person-{row:09}","age":{age},"score":{score}}}}}"#)?;
    }
    Ok(file.flush()?)
}

/// The most memory that this process ever had resident, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1_024)
}
