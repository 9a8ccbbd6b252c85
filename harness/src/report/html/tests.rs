use serde_json::Value;

use super::*;
use crate::event::Event;
use crate::report::samples;

fn shown(records: &[Record]) -> String {
    let mut out = Vec::new();
    let mut html = Html::new(&mut out);
    records.iter().for_each(|record| html.record(record).expect("memory"));
    html.finish().expect("memory");
    String::from_utf8(out).expect("text")
}

/// The page without what is the same in every page.
fn body(page: &str) -> &str {
    let from = page.find("<body>").expect("a body");
    let to = page.rfind("<script>").expect("the script");
    &page[from..to]
}

#[test]
fn a_run_with_every_verdict() {
    insta::assert_snapshot!(body(&shown(&samples::run())));
}

#[test]
fn a_green_run_says_so_and_has_no_failures() {
    let page = shown(&samples::green());
    assert!(page.contains("<title>✓ Held: all 3 cells that ran"), "{page}");
    assert!(!page.contains("id=\"failures\""));
}

#[test]
fn every_link_to_a_part_of_the_page_leads_to_one() {
    for (records, parts) in [(samples::run(), 4), (samples::green(), 3), (samples::with_a_sweep_and_a_swarm(), 5)] {
        let page = shown(&records);
        let navigation = page.split("<nav").nth(1).and_then(|rest| rest.split("</nav>").next()).expect("it is there");
        let links: Vec<&str> = navigation.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(links.len(), parts, "{links:?}");
        for link in links {
            assert!(page.contains(&format!("id=\"{link}\"")), "{link} leads nowhere");
        }
    }
}

#[test]
fn a_swarm_shows_how_operations_ended_and_what_became_of_faults() {
    let page = shown(&samples::with_a_sweep_and_a_swarm());
    for text in [
        "<strong>swarm/crashes, swarm/storms</strong> on memory: 10 universes: 9 held, 1 broken",
        "<li>load: 40 acknowledged, 2 in doubt</li>",
        "<li>store ack lost: 9 armed, 7 reached, 5 fired</li>",
        "<li>not explored: what nobody drew</li>",
    ] {
        assert!(page.contains(text), "{text} is not in {}", body(&page));
    }
    assert!(shown(&samples::with_a_swarm_that_proves_nothing()).contains("so the swarm proves nothing.</strong>"));
}

#[test]
fn a_run_that_broke_off_is_not_green() {
    let mut records = samples::green();
    records.truncate(records.len() - 2);
    let page = shown(&records);
    assert!(page.contains("Broke off") && page.contains("never finished"), "{}", body(&page));
}

/// Every text that a record can carry, one after the other, with markup in it. Texts that name one of a few things, such
/// as a verdict, can carry none.
fn hostile(record: &Record, hostility: &str) -> Record {
    fn texts(value: &mut Value) -> Vec<&mut String> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter_mut().flat_map(texts).collect(),
            Value::Object(members) => members.values_mut().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }
    let mut whole = serde_json::to_value(record).expect("plain data");
    for place in 0..texts(&mut whole).len() {
        let mut tried = whole.clone();
        texts(&mut tried)[place].push_str(hostility);
        if serde_json::from_value::<Record>(tried.clone()).is_ok() {
            whole = tried;
        }
    }
    serde_json::from_value(whole).expect("every change was tried")
}

#[test]
fn nothing_that_a_run_says_becomes_markup() {
    let is_swept = |record: &Record| matches!(record.event, Event::SweepFinished(_) | Event::SwarmFinished(_));
    let swept = samples::with_a_sweep_and_a_swarm().into_iter().filter(is_swept);
    let told: Vec<Record> = samples::run().into_iter().chain(swept).collect();
    let plain = shown(&told);
    let hostility = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
    let records: Vec<Record> = told.iter().map(|record| hostile(record, hostility)).collect();
    let page = shown(&records);
    let tags = |page: &str, tag: &str| page.matches(tag).count();
    assert_eq!(tags(&page, "<script"), 1, "the page's own script and no other");
    assert_eq!(tags(&page, "<img"), 0);
    assert_eq!(tags(body(&page), "<details"), tags(body(&plain), "<details"), "as many elements as without");
    assert!(tags(&page, "&lt;script&gt;alert(1)") > 50, "the texts are there, so this proves something");
}

#[test]
fn the_page_asks_for_nothing() {
    let page = shown(&samples::run());
    for fetch in [" src=", "<link", "@import", "url(", "http://", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(fetch), "{fetch}");
    }
}

#[test]
fn the_policy_lets_this_script_run_and_no_other() {
    let page = shown(&samples::green());
    let script = &page[page.rfind("<script>").expect("the script") + 8..page.rfind("</script>").expect("its end")];
    let digest = base64(&Sha256::digest(script));
    assert!(page.contains(&format!("script-src 'sha256-{digest}'")), "{digest}");
    // RFC 4648, section 10.
    assert_eq!([b"f".as_slice(), b"fo", b"foo", b"foob"].map(base64), ["Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
}
