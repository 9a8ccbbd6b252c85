//! One request and its answer, and what a fault may do with them.

use std::io;
use std::time::Duration;

use omnigraph::storage::Call;
use tokio::net::TcpStream;

use super::Target;
use super::body::Body;
use super::head::{AnswerHead, RequestHead};
use super::late::LateRequests;
use super::peer::Peer;

/// How long it may take to reach the endpoint.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What becomes of the connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It takes the next request.
    Next,
    /// It is closed in good order.
    Close,
    /// It is reset.
    Reset,
}

/// One request and its answer.
pub struct Exchange<'a> {
    pub(super) client: &'a mut Peer,
    pub(super) upstream: &'a mut Option<Peer>,
    pub(super) target: &'a mut Target,
    pub(super) request: &'a RequestHead,
    /// The calls that the request stands for.
    pub(super) calls: Vec<Call>,
    /// What was read of the request's body already.
    pub(super) begun: Vec<u8>,
    /// The rest of it.
    pub(super) body: Body,
    /// Where a request is kept that arrives later.
    pub(super) late: &'a LateRequests,
}

impl Exchange<'_> {
    /// The request's method.
    pub(super) fn method(&self) -> &str {
        &self.request.method
    }

    /// Hands the request on and the answer back.
    pub(super) async fn pass(&mut self) -> io::Result<After> {
        let answer = self.ask().await?;
        self.answer(answer, None).await
    }

    /// Hands the whole request on, and takes the head of its answer.
    pub(super) async fn ask(&mut self) -> io::Result<AnswerHead> {
        // An endpoint that says no before it has read everything may close behind that; its answer still counts.
        let sent = self.send(None).await;
        let (client, request) = (&*self.client, self.request);
        let Some(upstream) = self.upstream.as_mut() else { return Err(sent.err().unwrap_or_else(gone)) };
        let answered = async {
            loop {
                let raw = upstream.head().await?.ok_or_else(gone)?;
                let head = AnswerHead::parse(raw, &request.method)?;
                if !head.is_interim {
                    return Ok(head);
                }
            }
        };
        tokio::select! {
            answered = answered => match (answered, sent) {
                (Err(_), Err(error)) => Err(error),
                (answered, _) => answered,
            },
            () = client.gone() => Err(gone()),
        }
    }

    /// Hands the request on, but no more than `body_max` bytes of its body and never its last one; everything, if not said.
    pub(super) async fn send(&mut self, body_max: Option<u64>) -> io::Result<()> {
        if self.upstream.is_none() {
            *self.upstream = Some(connect(self.target).await?);
        }
        let Some(upstream) = self.upstream.as_mut() else { return Err(gone()) };
        upstream.write(&self.request.raw).await?;
        let mut cut = Cut::new(body_max);
        let begun = std::mem::take(&mut self.begun);
        cut.relay(&begun, upstream).await?;
        while !cut.is_full() {
            let Some(piece) = self.body.next(self.client).await? else { break };
            cut.relay(&piece, upstream).await?;
        }
        Ok(())
    }

    /// Takes the rest of the request's body and does nothing with it.
    pub(super) async fn discard_request(&mut self) -> io::Result<()> {
        while self.body.next(self.client).await?.is_some() {}
        Ok(())
    }

    /// Takes the request's whole body, as it is on the wire.
    ///
    /// # Errors
    /// It has more than `bytes_max`, or the client goes away.
    pub(super) async fn take_body(&mut self, bytes_max: usize) -> io::Result<Vec<u8>> {
        let mut taken = std::mem::take(&mut self.begun);
        while let Some(piece) = self.body.next(self.client).await? {
            taken.extend_from_slice(&piece);
            if taken.len() > bytes_max {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a body is too large to be kept"));
            }
        }
        Ok(taken)
    }

    /// Takes the body of an answer and does nothing with it.
    pub(super) async fn discard_answer(&mut self, answer: AnswerHead) -> io::Result<()> {
        let Some(upstream) = self.upstream.as_mut() else { return Err(gone()) };
        let mut body = Body::new(answer.framing);
        while body.next(upstream).await?.is_some() {}
        if answer.closes {
            *self.upstream = None;
        }
        Ok(())
    }

    /// Hands an answer back: its head, and no more than `body_max` bytes of its body and never its last one; everything, if
    /// not said.
    pub(super) async fn answer(&mut self, answer: AnswerHead, body_max: Option<u64>) -> io::Result<After> {
        let Some(upstream) = self.upstream.as_mut() else { return Err(gone()) };
        self.client.write(&answer.raw).await?;
        let (mut cut, mut body) = (Cut::new(body_max), Body::new(answer.framing));
        while !cut.is_full() {
            let Some(piece) = body.next(upstream).await? else { break };
            cut.relay(&piece, self.client).await?;
        }
        Ok(if answer.closes || self.request.closes { After::Close } else { After::Next })
    }

    /// Answers in the endpoint's place, with an error as S3 writes it.
    pub(super) async fn refuse(&mut self, status: &str, code: &str, message: &str) -> io::Result<After> {
        let error = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>0000000000000000</RequestId></Error>"
        );
        let body = if self.method() == "HEAD" { "" } else { &error };
        let length = error.len();
        let answer =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{body}");
        self.client.write(answer.as_bytes()).await?;
        Ok(if self.request.closes { After::Close } else { After::Next })
    }
}

/// Lets so many bytes through; where there is a bound, it holds the last byte back.
struct Cut {
    left: Option<u64>,
    /// The byte that may be the last one.
    held: Option<u8>,
}

impl Cut {
    fn new(left: Option<u64>) -> Self {
        Cut { left, held: None }
    }

    fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    async fn relay(&mut self, piece: &[u8], to: &mut Peer) -> io::Result<()> {
        let Some(left) = &mut self.left else { return to.write(piece).await };
        let mut bytes: Vec<u8> = self.held.take().into_iter().chain(piece.iter().copied()).collect();
        self.held = bytes.pop();
        bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= bytes.len() as u64;
        to.write(&bytes).await
    }
}

pub(super) async fn connect(target: &mut Target) -> io::Result<Peer> {
    let target = target.borrow_and_update().clone();
    match tokio::time::timeout(CONNECT_MAX, TcpStream::connect(target)).await {
        Ok(connected) => connected.map(Peer::new),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn gone() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
