//! The head of a request or of an answer.

use std::io;

use bytes::BytesMut;

use super::body::Framing;

/// Longest head that is read.
pub(super) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Most headers of a head.
const HEADERS_MAX: usize = 128;

/// The head of a request, as it came.
#[derive(Debug)]
pub(super) struct RequestHead {
    /// To be sent on as it is.
    pub(super) raw: BytesMut,
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) framing: Framing,
    pub(super) closes: bool,
    pub(super) if_none_match: bool,
    pub(super) if_match: bool,
    pub(super) copies: bool,
}

impl RequestHead {
    pub(super) fn parse(raw: BytesMut) -> io::Result<Self> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut headers);
        parsed.parse(&raw).map_err(invalid)?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (method, target) = (text(parsed.method), text(parsed.path));
        let fields = Fields::of(parsed.headers)?;
        // A request without a length has no body.
        let framing = fields.framing().unwrap_or(Framing::Length(0));
        let has = |name| parsed.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name));
        let (if_none_match, if_match) = (has("if-none-match"), has("if-match"));
        let copies = has("x-amz-copy-source");
        let closes = fields.closes || parsed.version == Some(0);
        Ok(RequestHead { framing, closes, method, target, if_none_match, if_match, copies, raw })
    }
}

/// The head of an answer, as it came.
#[derive(Debug)]
pub(super) struct AnswerHead {
    /// To be sent on as it is.
    pub(super) raw: BytesMut,
    pub(super) framing: Framing,
    pub(super) closes: bool,
    /// The status.
    pub(super) status: u16,
    /// Whether the real answer is still to come.
    pub(super) is_interim: bool,
}

impl AnswerHead {
    /// `method` is that of the request: the answer to a `HEAD` has no body, whatever it says.
    pub(super) fn parse(raw: BytesMut, method: &str) -> io::Result<Self> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut headers);
        parsed.parse(&raw).map_err(invalid)?;
        let status = parsed.code.unwrap_or(0);
        let fields = Fields::of(parsed.headers)?;
        let framing = match status {
            _ if method == "HEAD" => Framing::Length(0),
            100..200 | 204 | 304 => Framing::Length(0),
            _ => fields.framing().unwrap_or(Framing::UntilClose),
        };
        let closes = fields.closes || parsed.version == Some(0) || framing == Framing::UntilClose;
        Ok(AnswerHead { framing, closes, status, is_interim: (100..200).contains(&status), raw })
    }
}

/// The headers that say where a message ends.
struct Fields {
    length: Option<u64>,
    chunked: bool,
    closes: bool,
}

impl Fields {
    fn of(headers: &[httparse::Header<'_>]) -> io::Result<Self> {
        let mut fields = Fields { length: None, chunked: false, closes: false };
        for header in headers {
            let value = String::from_utf8_lossy(header.value).trim().to_ascii_lowercase();
            match header.name.to_ascii_lowercase().as_str() {
                "content-length" => fields.length = Some(value.parse().map_err(invalid)?),
                "transfer-encoding" => fields.chunked = value.ends_with("chunked"),
                "connection" => fields.closes = value.split(',').any(|word| word.trim() == "close"),
                _ => {}
            }
        }
        Ok(fields)
    }

    fn framing(&self) -> Option<Framing> {
        if self.chunked { Some(Framing::Chunked) } else { self.length.map(Framing::Length) }
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> RequestHead {
        RequestHead::parse(BytesMut::from(text)).expect("a head")
    }

    fn answer(text: &str, method: &str) -> AnswerHead {
        AnswerHead::parse(BytesMut::from(text), method).expect("a head")
    }

    #[test]
    fn a_body_ends_where_the_head_says() {
        assert_eq!(request("GET / HTTP/1.1\r\n\r\n").framing, Framing::Length(0));
        assert_eq!(request("PUT /a HTTP/1.1\r\nContent-LENGTH: 7\r\n\r\n").framing, Framing::Length(7));
        assert_eq!(answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "GET").framing, Framing::Chunked);
        assert_eq!(answer("HTTP/1.1 200 OK\r\n\r\n", "GET").framing, Framing::UntilClose);
        assert_eq!(answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "HEAD").framing, Framing::Length(0));
        assert_eq!(answer("HTTP/1.1 204 None\r\n\r\n", "DELETE").framing, Framing::Length(0));
    }

    #[test]
    fn nonsense_is_an_error() {
        assert!(RequestHead::parse(BytesMut::from("nonsense\r\n\r\n")).is_err());
        assert!(RequestHead::parse(BytesMut::from("PUT / HTTP/1.1\r\ncontent-length: -1\r\n\r\n")).is_err());
    }
}
