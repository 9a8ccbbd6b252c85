//! Files that are right, files that are wrong in every way, and files that nobody wrote.

mod arbitrary;
mod mutated;

use rstest::rstest;

use super::model::{Action, Count, Expect, Scenario};
use super::{limit, parse, parse_cases, schema};
use crate::diagnostic::{Code, Report, github, json, terminal};

const GOOD: &str = include_str!("good.yaml");

fn mistakes_in(text: &str) -> Report {
    parse("area/name", "scenarios/area/name.yaml", text.as_bytes()).expect_err("it has mistakes")
}

/// Snapshots stand under their own names, without those of crate and module.
fn snapshot(assert: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(assert);
}

#[rstest]
#[case::form("form", include_str!("mistakes/form.yaml"))]
#[case::processes("processes", include_str!("mistakes/processes.yaml"))]
#[case::background("background", include_str!("mistakes/background.yaml"))]
#[case::unreachable("unreachable", include_str!("mistakes/unreachable.yaml"))]
#[case::syntax("syntax", include_str!("mistakes/syntax.yaml"))]
#[case::twice("twice", include_str!("mistakes/twice.yaml"))]
#[case::cases("cases", include_str!("mistakes/cases.yaml"))]
#[case::placeholders("placeholders", include_str!("mistakes/placeholders.yaml"))]
#[case::wire("wire", include_str!("mistakes/wire.yaml"))]
#[case::nothing_to_check("nothing_to_check", include_str!("mistakes/nothing-to-check.yaml"))]
fn every_mistake_is_told_at_once(#[case] name: &str, #[case] text: &str) {
    snapshot(|| insta::assert_snapshot!(name, terminal::render(&mistakes_in(text), false)));
}

#[test]
fn mistakes_are_data_for_programs_and_annotations_for_github() {
    let report = mistakes_in(include_str!("mistakes/syntax.yaml"));
    snapshot(|| {
        insta::assert_json_snapshot!("as_json", json::render(&report));
        insta::assert_snapshot!("as_annotations", github::render(&report));
    });
}

#[test]
fn a_good_file_becomes_a_scenario_that_reads_back_from_what_it_is_written_as() {
    let scenario = parse("area/name", "scenarios/area/name.yaml", GOOD.as_bytes()).unwrap();
    assert_eq!(scenario.name, "area/name");
    assert_eq!(scenario.backends.len(), 4);
    assert!(matches!(scenario.steps[0].action, Action::Load(_)));
    assert_eq!(scenario.steps[0].line(), Some(16));
    assert_eq!(scenario.steps[1].expect, Expect::Ok);
    let written = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&written).unwrap(), scenario);
}

#[test]
fn what_a_scenario_is_written_as_is_a_scenario_file() {
    let scenario = parse("n", "p", GOOD.as_bytes()).unwrap();
    let file = scenario.to_yaml();
    let again = parse("n", "p", file.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(again.to_yaml(), file);
    assert_eq!(again.steps.len(), scenario.steps.len());
    assert_eq!((again.graph, again.backends), (scenario.graph, scenario.backends));
}

const CASES: &str = "
summary: a write that is held at ${window} and ends as ${writer}
why: because
for:
  window: [table.commit, manifest.publish]
  writer:
    append:
      step: {load: {rows: [{type: Person, data: {name: bob}}]}}
      scope: load
      rows: 2
      then: [{refresh: {}}, {check: {sidecars: 0}}]
    update: {step: {mutate: UPDATE Person SET age = 4}, scope: mutate, rows: 1, then: []}
graph:
  schema: 'node Person { name: String @key  age: I32? }'
  setup: [{type: Person, data: {name: alice}}]
steps:
  - <<: ${writer.step}
    start: slow
    hold: ${writer.scope}:${window}
  - release: slow
  - join: slow
  - ${writer.then}
  - check: {rows: {Person: '${writer.rows}'}}
";

#[test]
fn every_choice_with_every_other_is_a_scenario_of_its_own() {
    let cases = parse_cases("races/x", "races/x.yaml", CASES.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "races/x/table.commit/append",
            "races/x/table.commit/update",
            "races/x/manifest.publish/append",
            "races/x/manifest.publish/update"
        ]
    );
    let hold = |case: &Scenario| case.steps[0].hold.as_ref().map(ToString::to_string);
    assert_eq!(hold(&cases[0]).as_deref(), Some("load:table.commit"));
    assert_eq!(hold(&cases[3]).as_deref(), Some("mutate:manifest.publish"));
    assert_eq!(cases[0].summary, "a write that is held at table.commit and ends as append");
    assert_eq!(cases.iter().map(|case| case.steps.len()).collect::<Vec<_>>(), [6, 4, 6, 4], "lists are spliced in");
    let Action::Check(check) = &cases[1].steps[3].action else { panic!("a check") };
    assert_eq!(check.rows["Person"], Count::Number(1), "a value keeps its type");
    assert_eq!(cases[1].steps[3].line(), Some(23), "a step stands where it was written");
    assert!(cases.iter().all(|case| case.cases.is_empty()));
}

#[test]
fn cases_cannot_grow_without_bound() {
    let many: Vec<String> = (0..20).map(|number| format!("c{number}")).collect();
    let axes: String = ["a", "b", "c"].map(|axis| format!("  {axis}: [{}]\n", many.join(", "))).concat();
    let text = CASES.replace("for:\n", &format!("for:\n{axes}"));
    assert_eq!(mistakes_in(&text).diagnostics[0].code, Code::Limit);
    let long = format!("rows: [{}]", "{type: Person, data: {name: bob}}, ".repeat(2_000));
    let axes = format!("  big:\n    a: {{{long}}}\n  n: [{}]\n", many.join(", "));
    let loads = "  - load: {rows: '${big.rows}'}\n".repeat(40);
    let text = CASES.replace("for:\n", &format!("for:\n{axes}")).replace("steps:\n", &format!("steps:\n{loads}"));
    assert_eq!(mistakes_in(&text).diagnostics[0].code, Code::Limit);
}

#[test]
fn where_one_scenario_belongs_cases_are_refused() {
    let report = parse("races/x", "races/x.yaml", CASES.as_bytes()).unwrap_err();
    assert_eq!(report.diagnostics[0].code, Code::Contradiction);
}

#[test]
fn the_tree_says_what_another_yaml_reader_says() {
    let source = crate::diagnostic::Source::new("x", GOOD);
    let (tree, mistakes) = super::tree::read(&source);
    assert_eq!(mistakes, []);
    assert_eq!(tree.unwrap().to_json(), serde_yaml::from_str::<serde_json::Value>(GOOD).unwrap());
}

#[test]
fn an_alias_bomb_is_refused_before_it_unfolds() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert_eq!(mistakes_in(&text).diagnostics[0].code, Code::Limit);
}

#[test]
fn repeating_a_long_text_counts_by_its_length() {
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(60_000), "*a, ".repeat(10_000));
    assert_eq!(mistakes_in(&text).diagnostics[0].code, Code::Limit);
}

fn in_steps(count: usize, step: &str) -> String {
    let steps = vec![step; count].join(", ");
    format!("summary: a\nwhy: b\ngraph: {{schema: 'node P {{ n: String @key }}'}}\nsteps: [{steps}]\n")
}

/// Opens, one after another, each somewhere else.
fn one_after_another(count: usize, place: fn(usize) -> String) -> String {
    let steps: Vec<String> = (0..count).map(|number| format!("{{open: read-write, {}}}", place(number))).collect();
    in_steps(1, &format!("{}, {{check: {{sidecars: 0}}}}", steps.join(", ")))
}

#[test]
fn as_many_processes_and_handles_as_are_allowed_are_allowed_and_one_more_is_told_with_its_place() {
    // The process that nobody names is one of them.
    let process = |number: usize| format!("process: p{number}");
    let handle = |number: usize| format!("handle: h{number}");
    for text in [one_after_another(limit::PROCESSES_MAX - 1, process), one_after_another(limit::HANDLES_MAX, handle)] {
        parse("x", "x", text.as_bytes()).unwrap_or_else(|report| panic!("{report}"));
    }
    let text = one_after_another(limit::PROCESSES_MAX, process).replace(", {", ",\n  {");
    let report = mistakes_in(&text);
    let [mistake] = &report.diagnostics[..] else { panic!("{report}") };
    assert_eq!(mistake.span.start.line, 4 + limit::PROCESSES_MAX as u64 - 1, "{report}");
}

#[rstest]
#[case::file(" ".repeat(limit::FILE_BYTES_MAX + 1))]
#[case::depth("[".repeat(limit::DEPTH_MAX + 1))]
#[case::text(format!("summary: {}", "x".repeat(limit::TEXT_BYTES_MAX + 1)))]
#[case::rows(in_steps(12, "{load: {generate: {type: P, count: 9000, key-prefix: p, key: n}}}"))]
#[case::generated_bytes(in_steps(1, &format!("{{load: {{generate: {{type: P, count: 9000, key-prefix: {}, key: n}}}}}}", "p".repeat(5_000))))]
#[case::noise(in_steps(
    1,
    "{load: {generate: {type: P, count: 2, key-prefix: p, key: n, noise: {a: 4000000000, b: 4000000000}}}}"
))]
#[case::steps(format!("steps: [{}]", "{refresh: {}}, ".repeat(limit::STEPS_MAX + 1)))]
#[case::processes(one_after_another(limit::PROCESSES_MAX, |number| format!("process: p{number}")))]
#[case::handles(one_after_another(limit::HANDLES_MAX + 1, |number| format!("handle: h{number}")))]
#[case::handles_of_several_processes(one_after_another(limit::HANDLES_MAX + 1, |number| {
    format!("process: p{}, handle: h{}", number % 3, number / 3)
}))]
fn what_is_too_large_is_refused(#[case] text: String) {
    let report = mistakes_in(&text);
    assert!(report.diagnostics.iter().any(|mistake| mistake.code == Code::Limit), "{report}");
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_place() {
    let report = parse("x", "x", b"summary: a\nwhy: \xff").unwrap_err();
    assert_eq!(report.diagnostics[0].span.start.line, 2);
}

#[test]
fn the_schema_for_editors_allows_nothing_that_the_types_do_not() {
    let text = schema::to_file();
    assert!(!text.contains("\"null\""), "a part that is optional may be left out, not be null");
    let document = schema::json_schema();
    assert_eq!(document["$defs"]["Step"]["unevaluatedProperties"], false);
}

#[test]
fn the_reference_names_every_key() {
    let page = super::reference::to_markdown();
    for word in
        ["`plant-sidecar: PlantSidecar`", "`sidecar.write`", "`head-equals-pin`", "`lost-write`", "`failpoints`"]
    {
        assert!(page.contains(word.trim_matches('`')), "{word} is missing");
    }
}

/// Files of the project that are made from the types.
#[rstest]
#[case("scenarios/scenario.schema.json", schema::to_file(), "chaos schema")]
#[case("docs/scenarios.md", crate::scenario::reference::to_markdown(), "chaos schema --markdown")]
fn what_is_generated_is_what_is_committed(#[case] path: &str, #[case] generated: String, #[case] command: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == generated, "{path} is not what the types say; write it again with `{command} > {path}`");
}

#[test]
fn every_scenario_of_the_project_is_valid_and_reads_back() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let found = super::discover(&root, &root).unwrap();
    assert!(found.len() >= 40, "there are {} scenarios", found.len());
    for file in found {
        for scenario in file.read().unwrap().unwrap_or_else(|report| panic!("{report}")) {
            let again =
                parse(&scenario.name, "", scenario.to_yaml().as_bytes()).unwrap_or_else(|report| panic!("{report}"));
            assert_eq!(again.to_yaml(), scenario.to_yaml(), "{}", scenario.name);
            assert!(
                matches!(scenario.area(), "canary") == scenario.canary.is_some(),
                "{}: canaries have a folder of their own",
                scenario.name
            );
        }
    }
}

/// A fault that is armed while a step is held strikes what that step does next.
#[rstest]
#[case::while_it_is_held(
    "{arm: {as: silence, faults: [{on: {operation: delete}, do: timeout}]}}, {release: w}, {join: w}",
    true
)]
#[case::after_it_was_joined(
    "{release: w}, {join: w}, {arm: {as: silence, faults: [{on: {operation: delete}, do: timeout}]}}",
    false
)]
#[case::in_another_process(
    "{process: b, arm: {as: silence, faults: [{on: {operation: delete}, do: timeout}]}}, {release: w}, {join: w}",
    false
)]
fn a_fault_that_is_armed_beside_a_held_step_can_strike_it(#[case] steps: &str, #[case] is_valid: bool) {
    let text = format!(
        "summary: a\nwhy: b\ngraph: {{schema: 'node P {{ n: String @key }}'}}\nsteps: [{{start: w, mutate: \"DELETE FROM P\", \
         hold: mutate:table.commit, expect: any}}, {steps}, {{check: {{sidecars: 0}}}}]\n"
    );
    match parse("area/name", "scenarios/area/name.yaml", text.as_bytes()) {
        Ok(_) => assert!(is_valid, "{steps}"),
        Err(report) => assert!(!is_valid && report.to_string().contains("nothing follows"), "{report}"),
    }
}

#[rstest]
#[case::of_a_fault_before_it(
    "{mutate: DELETE FROM P, faults: [{on: {operation: put-if-absent}, do: {late: x}}], expect: any}, {arrive: x}",
    None
)]
#[case::of_a_fault_that_is_armed(
    "{arm: {as: a, faults: [{on: {operation: delete}, do: {late: x}}]}}, {mutate: DELETE FROM P, expect: any}, {arrive: x}",
    None
)]
#[case::of_a_fault_after_it(
    "{arrive: x}, {mutate: DELETE FROM P, faults: [{on: {operation: put-if-absent}, do: {late: x}}], expect: any}",
    Some("there is no late call 'x'")
)]
#[case::of_a_read(
    "{mutate: DELETE FROM P, faults: [{on: {operation: get}, do: {late: x}}], expect: any}",
    Some("can be late")
)]
#[case::of_a_part_on_the_wire(
    "{mutate: DELETE FROM P, wire: [{on: {operation: multipart-part}, do: {late: x}}], expect: any}",
    Some("can be late")
)]
#[case::a_crossing_of_nothing("{mutate: DELETE FROM P, crossing: 2}", Some("no failpoint is said"))]
fn only_what_is_late_can_arrive(#[case] steps: &str, #[case] mistake: Option<&str>) {
    let text = format!(
        "summary: a\nwhy: b\ngraph: {{schema: 'node P {{ n: String @key }}'}}\nsteps: [{steps}, {{check: {{sidecars: 0}}}}]\n"
    );
    match (parse("area/name", "scenarios/area/name.yaml", text.as_bytes()), mistake) {
        (Ok(_), None) => {}
        (Err(report), Some(mistake)) => assert!(report.to_string().contains(mistake), "{report}"),
        (Ok(_), Some(mistake)) => panic!("{steps}: nothing was said of '{mistake}'"),
        (Err(report), None) => panic!("{report}"),
    }
}

/// Found by the fuzzer, input 164596: the empty list was left out, and without it nothing says what is loaded.
#[test]
fn a_load_of_nothing_is_written_so_that_it_reads_back() {
    let text = "summary: a\nwhy: b\ngraph: {schema: 'node P { n: String @key }'}\nsteps: [{load: {rows: []}}, {check: {sidecars: 0}}]\n";
    let scenario = parse("area/name", "scenarios/area/name.yaml", text.as_bytes()).expect("an empty load is meant");
    let file = scenario.to_yaml();
    let again = parse("area/name", "scenarios/area/name.yaml", file.as_bytes());
    assert_eq!(again.unwrap_or_else(|report| panic!("{report}")).to_yaml(), file);
}
