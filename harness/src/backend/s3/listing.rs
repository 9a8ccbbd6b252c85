//! ListObjectsV2: prefixes, delimiters, pages.

use object_store::ObjectMeta;
use s3s::dto::{CommonPrefix, EncodingType, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass};
use s3s::{S3Result, s3_error};

use super::bucket::{Buckets, tag_of};
use super::objects::timestamp;

/// The most entries on one page, as S3 has it.
const PAGE_MAX: usize = 1_000;

pub(super) async fn list(buckets: &Buckets, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let bucket = buckets.get(&input.bucket)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let page_size = match input.max_keys {
        None => PAGE_MAX,
        Some(size) => {
            usize::try_from(size).map_err(|_| s3_error!(InvalidArgument, "max-keys is negative"))?.min(PAGE_MAX)
        }
    };
    let resume = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => Resume::from_token(token)
            .ok_or_else(|| s3_error!(InvalidArgument, "the continuation token is not one of this endpoint"))?,
        (None, Some(key)) => Resume::AfterKey(key.clone()),
        (None, None) => Resume::Start,
    };
    let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
    let page = page(bucket.list(&prefix).await?, &prefix, delimiter, &resume, page_size);

    let encode: fn(&str) -> String = match input.encoding_type.as_ref().map(EncodingType::as_str) {
        None => str::to_owned,
        Some(EncodingType::URL) => percent_encode,
        Some(_) => return Err(s3_error!(InvalidArgument, "the only encoding type is url")),
    };
    let contents = page.objects.iter().map(|meta| describe(meta, encode)).collect::<S3Result<Vec<_>>>()?;
    let common_prefixes = page.prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(encode(prefix)) }).collect();
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encode(&prefix)),
        delimiter: input.delimiter.as_deref().map(encode),
        encoding_type: input.encoding_type,
        start_after: input.start_after.as_deref().map(encode),
        max_keys: i32::try_from(page_size).ok(),
        key_count: i32::try_from(page.objects.len() + page.prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|resume| resume.to_token()),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        ..ListObjectsV2Output::default()
    })
}

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Resume {
    Start,
    AfterKey(String),
    /// Behind everything that one common prefix stood for.
    AfterPrefix(String),
}

impl Resume {
    /// Hexadecimal, so that a key with any character survives a query string.
    fn to_token(&self) -> String {
        let (kind, text) = match self {
            Resume::Start => ('s', ""),
            Resume::AfterKey(key) => ('k', key.as_str()),
            Resume::AfterPrefix(prefix) => ('p', prefix.as_str()),
        };
        text.bytes().fold(String::from(kind), |token, byte| token + &format!("{byte:02x}"))
    }

    fn from_token(token: &str) -> Option<Self> {
        let mut characters = token.chars();
        let kind = characters.next()?;
        let digits: Vec<u8> =
            characters.map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        let pairs = digits.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return None;
        }
        let text = String::from_utf8(pairs.map(|pair| pair[0] << 4 | pair[1]).collect()).ok()?;
        match kind {
            's' => Some(Resume::Start),
            'k' => Some(Resume::AfterKey(text)),
            'p' => Some(Resume::AfterPrefix(text)),
            _ => None,
        }
    }

    fn is_behind(&self, key: &str) -> bool {
        match self {
            Resume::Start => false,
            Resume::AfterKey(last) => key <= last.as_str(),
            Resume::AfterPrefix(prefix) => key <= prefix.as_str() || key.starts_with(prefix.as_str()),
        }
    }
}

#[derive(Debug, Default)]
struct Page {
    objects: Vec<ObjectMeta>,
    prefixes: Vec<String>,
    next: Option<Resume>,
}

/// Cuts one page out of sorted objects that all start with `prefix`. An object and a common prefix count one each.
fn page(sorted: Vec<ObjectMeta>, prefix: &str, delimiter: Option<&str>, resume: &Resume, size: usize) -> Page {
    let mut page = Page::default();
    if size == 0 {
        return page;
    }
    let mut position = resume.clone();
    for meta in sorted {
        let key = meta.location.as_ref();
        if position.is_behind(key) {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == size {
            page.next = Some(position);
            return page;
        }
        let rest = &key[prefix.len()..];
        match delimiter.and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len())) {
            Some(end) => {
                let common = key[..prefix.len() + end].to_owned();
                position = Resume::AfterPrefix(common.clone());
                page.prefixes.push(common);
            }
            None => {
                position = Resume::AfterKey(key.to_owned());
                page.objects.push(meta);
            }
        }
    }
    page
}

fn describe(meta: &ObjectMeta, encode: fn(&str) -> String) -> S3Result<Object> {
    Ok(Object {
        key: Some(encode(meta.location.as_ref())),
        size: i64::try_from(meta.size).ok(),
        e_tag: Some(tag_of(meta.e_tag.as_deref())?),
        last_modified: Some(timestamp(meta.last_modified)),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Object::default()
    })
}

fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(keys: &[&str]) -> Vec<ObjectMeta> {
        let at = |key: &&str| ObjectMeta {
            location: object_store::path::Path::parse(key).expect("a plain key"),
            last_modified: chrono::DateTime::UNIX_EPOCH,
            size: 1,
            e_tag: Some("\"1\"".into()),
            version: None,
        };
        keys.iter().map(at).collect()
    }

    /// Follows the pages to the end, as a client does.
    fn walk(keys: &[&str], prefix: &str, delimiter: Option<&str>, size: usize) -> (Vec<String>, usize) {
        let (mut seen, mut pages, mut resume) = (Vec::new(), 0, Resume::Start);
        loop {
            let one = page(objects(keys), prefix, delimiter, &resume, size);
            pages += 1;
            seen.extend(one.objects.iter().map(|meta| meta.location.to_string()));
            seen.extend(one.prefixes);
            match one.next {
                None => break,
                Some(next) => resume = Resume::from_token(&next.to_token()).expect("an own token"),
            }
        }
        seen.sort();
        (seen, pages)
    }

    #[test]
    fn pages_of_any_size_show_every_entry_once() {
        let keys = ["a", "b/1", "b/2", "b/3/x", "b0", "c/1", "d"];
        for size in 1..=8 {
            let (seen, _) = walk(&keys, "", None, size);
            assert_eq!(seen, keys, "pages of {size}");
            let (seen, _) = walk(&keys, "", Some("/"), size);
            assert_eq!(seen, ["a", "b/", "b0", "c/", "d"], "folders in pages of {size}");
        }
        // A last page that is exactly full must not promise another one.
        assert_eq!(walk(&keys, "", Some("/"), 5).1, 1);
    }

    #[test]
    fn a_page_size_of_zero_is_an_empty_page_and_not_an_endless_walk() {
        let page = page(objects(&["a"]), "", None, &Resume::Start, 0);
        assert!(page.objects.is_empty() && page.next.is_none());
    }

    #[test]
    fn tokens_come_back_and_foreign_ones_are_refused() {
        for resume in [Resume::Start, Resume::AfterKey("a b/ü&+".into()), Resume::AfterPrefix("x/".into())] {
            assert_eq!(Resume::from_token(&resume.to_token()), Some(resume));
        }
        for foreign in ["", "x", "k1", "kzz", "kff"] {
            assert_eq!(Resume::from_token(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn percent_encoding_keeps_slashes() {
        assert_eq!(percent_encode("a b/ü%"), "a%20b/%C3%BC%25");
    }
}
