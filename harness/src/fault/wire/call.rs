//! What a request asks of the store, in the words of the store faults.

use object_store::path::Path;
use omnigraph::storage::{Call, Operation, Realm};
use url::form_urlencoded;

use super::body::Framing;
use super::head::RequestHead;

/// The calls that a request stands for: one, or one for each object where it deletes several. `root` is the graph's
/// bucket and the prefix in it; `body` is that of a request for [`names_objects_in_its_body`], and else empty.
pub(super) fn calls_of(head: &RequestHead, root: &Path, body: &[u8]) -> Vec<Call> {
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let asked = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let object = Path::from_url_path(path).unwrap_or_default();
    let operation = match head.method.as_str() {
        "PUT" if asked("partNumber").is_some() => Operation::MultipartPart,
        "PUT" if head.copies => Operation::Copy,
        "PUT" if head.if_none_match => Operation::PutIfAbsent,
        "PUT" if head.if_match => Operation::PutIfMatch,
        "PUT" => Operation::Put,
        "POST" if asked("uploads").is_some() => Operation::MultipartStart,
        "POST" if asked("delete").is_some() => Operation::Delete,
        "POST" => Operation::MultipartComplete,
        "DELETE" if asked("uploadId").is_some() => Operation::MultipartAbort,
        "DELETE" => Operation::Delete,
        "HEAD" => Operation::Head,
        _ if object.parts_count() <= 1 => Operation::List,
        _ => Operation::Get,
    };
    let bucket: Path = object.parts().take(1).collect();
    let bytes = match head.framing {
        Framing::Length(bytes) => bytes,
        _ => 0,
    };
    let call = |object: &Path| Call::new(Realm::Control, operation, &below(root, object), bytes);
    match operation {
        Operation::List => {
            let prefix = Path::parse(asked("prefix").unwrap_or_default().trim_end_matches('/')).unwrap_or_default();
            vec![call(&joined(&bucket, &prefix))]
        }
        Operation::Delete if names_objects_in_its_body(head) => {
            let named = keys(body).filter_map(|key| Path::parse(key).ok());
            named.map(|key| call(&joined(&bucket, &key))).collect()
        }
        _ => vec![call(&object)],
    }
}

/// Whether a request is about objects that only its body names.
pub(super) fn names_objects_in_its_body(head: &RequestHead) -> bool {
    let query = head.target.split_once('?').map_or("", |(_, query)| query);
    head.method == "POST" && form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == "delete")
}

/// The path below the graph's root; one that is not below it stays as it is.
fn below(root: &Path, object: &Path) -> Path {
    object.prefix_match(root).map_or_else(|| object.clone(), |parts| parts.collect())
}

fn joined(bucket: &Path, key: &Path) -> Path {
    bucket.parts().chain(key.parts()).collect()
}

/// The keys that a request to delete several objects names.
fn keys(body: &[u8]) -> impl Iterator<Item = String> {
    let text = String::from_utf8_lossy(body).into_owned();
    let keys: Vec<String> =
        text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).map(unescaped).collect();
    keys.into_iter()
}

fn unescaped(text: &str) -> String {
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    plain.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use omnigraph::storage::PathClass;

    use super::*;

    fn calls(request: &str, headers: &str, body: &str) -> Vec<(Operation, PathClass, String)> {
        let text = format!("{request} HTTP/1.1\r\n{headers}\r\n");
        let head = RequestHead::parse(BytesMut::from(text.as_str())).expect("a head");
        let calls = calls_of(&head, &Path::from("bucket/graph"), body.as_bytes());
        calls.into_iter().map(|call| (call.operation, call.class, call.path)).collect()
    }

    #[test]
    fn every_kind_of_request_is_told_apart() {
        use Operation::*;
        let sidecar = "/bucket/graph/__recovery/01J.json";
        for (request, headers, operation) in [
            (format!("PUT {sidecar}"), "if-none-match: *\r\n", PutIfAbsent),
            (format!("PUT {sidecar}"), "If-Match: x\r\n", PutIfMatch),
            (format!("PUT {sidecar}"), "x-amz-copy-source: a/b\r\n", Copy),
            (format!("PUT {sidecar}"), "", Put),
            (format!("PUT {sidecar}?partNumber=1&uploadId=u"), "", MultipartPart),
            (format!("POST {sidecar}?uploads"), "", MultipartStart),
            (format!("POST {sidecar}?uploadId=u"), "", MultipartComplete),
            (format!("DELETE {sidecar}?uploadId=u"), "", MultipartAbort),
            (format!("DELETE {sidecar}"), "", Delete),
            (format!("GET {sidecar}"), "", Get),
            (format!("HEAD {sidecar}"), "", Head),
            ("GET /bucket?list-type=2&prefix=graph%2F__recovery%2F01J.json".to_owned(), "", List),
        ] {
            let expected = vec![(operation, PathClass::Sidecar, "__recovery/01J.json".to_owned())];
            assert_eq!(calls(&request, headers, ""), expected, "{request}");
        }
    }

    #[test]
    fn a_listing_is_about_its_prefix_and_names_may_be_escaped() {
        let listing = calls("GET /bucket?list-type=2&prefix=graph%2F__recovery%2F", "", "");
        assert_eq!(listing, [(Operation::List, PathClass::Sidecar, "__recovery".to_owned())]);
        let table = calls("GET /bucket/graph/nodes/P%2Bx.lance/_versions/1.manifest", "", "");
        let path = "nodes/P+x.lance/_versions/1.manifest".to_owned();
        assert_eq!(table, [(Operation::Get, PathClass::TableVersion, path)]);
    }

    #[test]
    fn a_request_that_deletes_several_objects_is_a_call_for_each() {
        let body = "<Delete><Object><Key>graph/__recovery/a&amp;b.json</Key></Object>\
                    <Object><Key>graph/__manifest/x</Key></Object></Delete>";
        let found = calls("POST /bucket?delete", "", body);
        assert_eq!(found[0], (Operation::Delete, PathClass::Sidecar, "__recovery/a&b.json".to_owned()));
        assert_eq!(found[1], (Operation::Delete, PathClass::Manifest, "__manifest/x".to_owned()));
    }

    #[test]
    fn nonsense_is_some_call_and_no_panic() {
        for request in ["GET *", "GET /", "GET //?&&=%zz", "PUT /bucket/%ff", "POST /?delete", "BREW /bucket/a"] {
            let _ = calls(request, "", "<Key>");
        }
    }
}
