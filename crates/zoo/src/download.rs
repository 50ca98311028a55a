//! From the first request for a file to its last byte: HTTP range requests (RFC 9110, section 14),
//! so that a broken download goes on where it stopped.
//!
//! No `If-Range` is sent: a published file has its hash in its name and never changes.

use crate::error::FetchError;
use crate::fetch::Progress;
use crate::part::{CHUNK, Part};
use crate::source::Patience;
use std::io::{ErrorKind, Read};
use std::thread;
use ureq::http::{HeaderMap, Response, header};
use ureq::{Agent, Body};

/// One file on its way.
pub(crate) struct Download<'a> {
    pub(crate) agent: Agent,
    pub(crate) url: &'a str,
    pub(crate) patience: Patience,
    /// More bytes than this are not the file, whatever the server says of their number.
    pub(crate) limit: u64,
    pub(crate) progress: &'a mut dyn FnMut(Progress),
}

/// What the server is going to send.
struct Answer {
    kind: AnswerKind,
    total: Option<u64>,
    body: Body,
}

enum AnswerKind {
    /// The file from its first byte.
    Whole,
    /// The file from where we stopped.
    Rest,
    /// Something that does not fit what we have.
    Elsewhere { content_range: String },
}

/// A parsed `Content-Range: bytes 5-9/20`; the total may be unknown (`*`).
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    first: u64,
    total: Option<u64>,
}

impl Download<'_> {
    /// Completes `part`; asks again, a bounded number of times, after what may pass.
    pub(crate) fn run(&mut self, part: &mut Part) -> Result<(), FetchError> {
        let mut pause = self.patience.pause;
        for _ in 1..self.patience.tries {
            match self.attempt(part) {
                Err(error) if error.is_passing() => thread::sleep(pause),
                done => return done,
            }
            pause *= 2;
        }
        self.attempt(part)
    }

    fn attempt(&mut self, part: &mut Part) -> Result<(), FetchError> {
        let asked = part.len();
        let answer = self.request(asked)?;
        match answer.kind {
            AnswerKind::Rest => {}
            AnswerKind::Whole => part.clear()?,
            AnswerKind::Elsewhere { content_range: found } => {
                part.clear()?;
                return Err(FetchError::Range { url: self.url.to_owned(), asked, found });
            }
        }
        self.receive(answer.body, answer.total, part)
    }

    fn request(&self, first: u64) -> Result<Answer, FetchError> {
        let mut request = self.agent.get(self.url).header(header::ACCEPT_ENCODING, "identity");
        if first > 0 {
            request = request.header(header::RANGE, format!("bytes={first}-"));
        }
        let response = request.call().map_err(|cause| self.broken(first, cause))?;
        match response.status().as_u16() {
            200 => Ok(whole(response)),
            206 | 416 => Ok(rest(response, first)),
            status => Err(FetchError::Status { url: self.url.to_owned(), status }),
        }
    }

    fn receive(
        &mut self,
        mut body: Body,
        total: Option<u64>,
        part: &mut Part,
    ) -> Result<(), FetchError> {
        let mut reader = body.as_reader();
        let mut chunk = vec![0; CHUNK];
        loop {
            let received = part.len();
            (self.progress)(Progress { received, total });
            match reader.read(&mut chunk) {
                Ok(0) => return self.check_length(received, total),
                Ok(read) if received + read as u64 > self.limit => {
                    part.clear()?;
                    return Err(FetchError::Long { url: self.url.to_owned(), limit: self.limit });
                }
                Ok(read) => part.append(&chunk[..read])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(received, error.into())),
            }
        }
    }

    fn check_length(&self, received: u64, total: Option<u64>) -> Result<(), FetchError> {
        match total {
            Some(total) if received < total => {
                Err(FetchError::Short { url: self.url.to_owned(), received, total })
            }
            _ => Ok(()),
        }
    }

    fn broken(&self, received: u64, cause: ureq::Error) -> FetchError {
        FetchError::Network { url: self.url.to_owned(), received, cause: Box::new(cause) }
    }
}

fn whole(response: Response<Body>) -> Answer {
    let body = response.into_body();
    Answer { kind: AnswerKind::Whole, total: body.content_length(), body }
}

/// The answer to a request from byte `first` on. "Range not satisfiable" is one too: a part that
/// was complete would not have been asked about, so ours is longer than the file.
fn rest(response: Response<Body>, first: u64) -> Answer {
    let content_range = content_range(response.headers());
    let parsed = ContentRange::parse(&content_range);
    let total = parsed.as_ref().and_then(|range| range.total);
    let continues = parsed.is_some_and(|range| range.first == first);
    let kind = if continues { AnswerKind::Rest } else { AnswerKind::Elsewhere { content_range } };
    Answer { kind, total, body: response.into_body() }
}

fn content_range(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_RANGE).map(|value| value.as_bytes());
    String::from_utf8_lossy(value.unwrap_or(b"no Content-Range")).into_owned()
}

impl ContentRange {
    fn parse(value: &str) -> Option<Self> {
        let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let total = match total.trim() {
            "*" => None,
            number => Some(number.parse().ok()?),
        };
        (first <= last && total.is_none_or(|total| last < total)).then_some(Self { first, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_by_the_book() {
        let range = |first, total| Some(ContentRange { first, total });
        assert_eq!(ContentRange::parse("bytes 5-9/20"), range(5, Some(20)));
        assert_eq!(ContentRange::parse("bytes 0-0/1"), range(0, Some(1)));
        assert_eq!(ContentRange::parse("bytes 5-9/*"), range(5, None));
    }

    #[test]
    fn what_is_no_content_range_is_none() {
        let wrong = ["", "bytes", "bytes */20", "5-9/20", "bytes 9-5/20", "bytes 5-20/20"];
        for value in wrong.into_iter().chain(["bytes -5-9/20", "bytes 5-9/x", "items 5-9/20"]) {
            assert_eq!(ContentRange::parse(value), None, "{value}");
        }
    }
}
