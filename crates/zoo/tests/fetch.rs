//! Downloads from a server on this machine. Nothing here leaves it.
#![allow(clippy::unwrap_used)]

mod server;

use kestrel_zoo::{Action, Cache, FetchError, Model, Patience, Progress, Source, find};
use server::{Reply, Server, answer, dropped, rest, status, whole};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Larger than one chunk (128 KiB), and no multiple of anything.
const FILE_LEN: usize = 300_007;

/// A file, the model that is published as it, and an empty cache.
struct Setting {
    file: Vec<u8>,
    model: Model,
    folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        // The period is prime: no part of the file equals one at another place.
        let file: Vec<u8> = (0..FILE_LEN).map(|i| (i % 251) as u8).collect();
        let hash = format!("{:x}", Sha256::digest(&file));
        let model =
            Model { hash_prefix: hash[..8].to_owned().leak(), ..*find("resnet18").unwrap() };
        Self { file, model, folder: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        Cache::at(self.folder.path()).path(&self.model)
    }

    fn part(&self) -> PathBuf {
        self.path().with_added_extension("part")
    }

    fn fetch_from(&self, base_url: &str) -> (Result<PathBuf, FetchError>, Vec<Progress>) {
        self.fetch_within(Patience::default().stall, base_url)
    }

    fn fetch_within(
        &self,
        stall: Duration,
        base_url: &str,
    ) -> (Result<PathBuf, FetchError>, Vec<Progress>) {
        let patience = Patience { stall, tries: 3, pause: Duration::ZERO, ..Patience::default() };
        let source = Source { patience, ..Source::new(base_url) };
        let mut steps = Vec::new();
        let result = source.fetch(&self.model, self.folder.path(), &mut |step| steps.push(step));
        (result, steps)
    }

    /// Fetches from a server that gives `replies`; what came of it, and the heads of the requests.
    fn fetch(
        &self,
        replies: impl IntoIterator<Item = Reply>,
    ) -> (Result<PathBuf, FetchError>, Vec<String>) {
        let server = Server::start(replies);
        let (result, _) = self.fetch_from(&server.base_url());
        (result, server.requests())
    }

    /// The file is where it belongs, and nothing else is.
    fn assert_arrived(&self, result: Result<PathBuf, FetchError>) {
        assert_eq!(result.unwrap(), self.path());
        assert!(fs::read(self.path()).unwrap() == self.file, "another content");
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1);
    }
}

fn starts(requests: &[String]) -> Vec<Option<usize>> {
    requests.iter().map(|request| range_start(request)).collect()
}

/// The first byte a request asks for, if it asks for a range.
fn range_start(request: &str) -> Option<usize> {
    let (_, after) = request.split_once("\nrange: bytes=")?;
    after.lines().next()?.strip_suffix('-')?.parse().ok()
}

#[test]
fn a_whole_file_arrives() {
    let setting = Setting::new();
    let server = Server::start([whole(&setting.file)]);
    let (result, steps) = setting.fetch_from(&server.base_url());
    setting.assert_arrived(result);
    let total = Some(FILE_LEN as u64);
    assert_eq!(steps.first(), Some(&Progress { received: 0, total }));
    assert_eq!(steps.last(), Some(&Progress { received: FILE_LEN as u64, total }));
    assert!(steps.is_sorted_by_key(|step| step.received));
    let requests = server.requests();
    let name = setting.model.file_name();
    assert!(requests[0].starts_with(&format!("get /models/{name} http/1.1\n")), "{requests:?}");
    assert!(requests[0].contains("\naccept-encoding: identity"));
    assert_eq!(range_start(&requests[0]), None);
}

#[test]
fn the_folder_is_made() {
    let setting = Setting::new();
    let deep = setting.folder.path().join("a/b");
    let server = Server::start([whole(&setting.file)]);
    let source = Source::new(server.base_url());
    let path = source.fetch(&setting.model, &deep, &mut |_| {}).unwrap();
    assert_eq!(path, deep.join(setting.model.file_name()));
}

#[test]
fn a_model_that_is_there_is_not_asked_for() {
    let setting = Setting::new();
    fs::write(setting.path(), &setting.file).unwrap();
    let (result, requests) = setting.fetch([]);
    setting.assert_arrived(result);
    assert!(requests.is_empty());
}

#[test]
fn a_dropped_connection_goes_on_where_it_stopped() {
    let setting = Setting::new();
    let (first, second) = (200_003, 250_001);
    let cut = |from: usize, to: usize| {
        let range = format!("Content-Range: bytes {from}-{}/{FILE_LEN}", FILE_LEN - 1);
        let body = &setting.file[from..to];
        Reply::Send(answer("206 Partial Content", &[&range], FILE_LEN - from, body))
    };
    let replies = [dropped(&setting.file, first), cut(first, second), rest(&setting.file, second)];
    let (result, requests) = setting.fetch(replies);
    setting.assert_arrived(result);
    // Each byte was sent once: the three answers are exactly the file.
    assert_eq!(starts(&requests), [None, Some(first), Some(second)]);
}

#[test]
fn the_next_call_goes_on_where_the_last_gave_up() {
    let setting = Setting::new();
    let sent = 150_000;
    let none_left = |first: usize| {
        let range = format!("Content-Range: bytes {first}-{}/{FILE_LEN}", FILE_LEN - 1);
        Reply::Send(answer("206 Partial Content", &[&range], FILE_LEN - first, b""))
    };
    let replies = [dropped(&setting.file, sent), none_left(sent), none_left(sent)];
    let (result, _) = setting.fetch(replies);
    let error = result.unwrap_err();
    let FetchError::Network { received, .. } = error else { panic!("{error}") };
    assert_eq!(received, sent as u64);
    assert!(!setting.path().exists());
    assert_eq!(fs::metadata(setting.part()).unwrap().len(), sent as u64);

    let server = Server::start([rest(&setting.file, sent)]);
    let (result, steps) = setting.fetch_from(&server.base_url());
    setting.assert_arrived(result);
    let start = Progress { received: sent as u64, total: Some(FILE_LEN as u64) };
    assert_eq!(steps.first(), Some(&start));
    assert_eq!(range_start(&server.requests()[0]), Some(sent));
}

#[test]
fn a_server_without_ranges_starts_anew() {
    let setting = Setting::new();
    fs::write(setting.part(), &setting.file[..1000]).unwrap();
    let (result, requests) = setting.fetch([whole(&setting.file)]);
    setting.assert_arrived(result);
    assert_eq!(range_start(&requests[0]), Some(1000));
}

#[test]
fn a_range_from_elsewhere_is_not_used() {
    let setting = Setting::new();
    let without_range = answer("206 Partial Content", &[], 10, &setting.file[1000..1010]);
    for elsewhere in [rest(&setting.file, 500), Reply::Send(without_range)] {
        fs::write(setting.part(), &setting.file[..1000]).unwrap();
        let (result, requests) = setting.fetch([elsewhere, whole(&setting.file)]);
        setting.assert_arrived(result);
        assert_eq!(range_start(&requests[0]), Some(1000));
        assert_eq!(range_start(&requests[1]), None);
        fs::remove_file(setting.path()).unwrap();
    }
}

#[test]
fn a_part_longer_than_the_file_starts_anew() {
    let setting = Setting::new();
    fs::write(setting.part(), vec![7; FILE_LEN + 1]).unwrap();
    let range = format!("Content-Range: bytes */{FILE_LEN}");
    let refused = Reply::Send(answer("416 Range Not Satisfiable", &[&range], 0, b""));
    let (result, requests) = setting.fetch([refused, whole(&setting.file)]);
    setting.assert_arrived(result);
    assert_eq!(starts(&requests), [Some(FILE_LEN + 1), None]);
}

#[test]
fn a_server_that_never_continues_is_given_up() {
    let setting = Setting::new();
    fs::write(setting.part(), &setting.file[..1000]).unwrap();
    let refused = || Reply::Send(answer("416 Range Not Satisfiable", &[], 0, b""));
    let (result, requests) = setting.fetch([refused(), refused(), refused()]);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("from byte 0, the server answered `no Content-Range`"), "{error}");
    assert_eq!(requests.len(), 3);
}

#[test]
fn a_complete_part_needs_no_request() {
    let setting = Setting::new();
    fs::write(setting.part(), &setting.file).unwrap();
    let (result, requests) = setting.fetch([]);
    setting.assert_arrived(result);
    assert!(requests.is_empty());
}

#[test]
fn a_file_with_another_hash_is_removed() {
    let setting = Setting::new();
    let mut damaged = setting.file.clone();
    damaged[FILE_LEN / 2] ^= 1;
    let (result, _) = setting.fetch([whole(&damaged)]);
    let error = result.unwrap_err();
    let message = error.to_string();
    let FetchError::WrongHash { found, expected, .. } = error else { panic!("{error}") };
    assert_eq!(found, format!("{:x}", Sha256::digest(&damaged)));
    assert_eq!(expected, setting.model.hash_prefix);
    assert!(message.contains(&found) && message.contains(&expected), "{message}");
    assert!(!setting.path().exists() && !setting.part().exists());
}

#[test]
fn a_missing_file_is_not_asked_for_twice() {
    let setting = Setting::new();
    let (result, requests) = setting.fetch([status("404 Not Found")]);
    let message = result.unwrap_err().to_string();
    let name = setting.model.file_name();
    assert!(message.starts_with("download of http://127.0.0.1:"), "{message}");
    assert!(message.contains(&format!("/models/{name}: the server answered 404")), "{message}");
    assert!(message.contains("KESTREL_MODEL_URL"), "{message}");
    assert_eq!(requests.len(), 1);
}

#[test]
fn a_busy_server_is_asked_again() {
    let setting = Setting::new();
    let busy = status("503 Service Unavailable");
    let (result, requests) = setting.fetch([busy, whole(&setting.file)]);
    setting.assert_arrived(result);
    assert_eq!(requests.len(), 2);
}

#[test]
fn a_truncated_body_is_never_taken_for_the_file() {
    let setting = Setting::new();
    let last = FILE_LEN - 1;
    // Its length is that of a short piece, honestly announced; the range tells the whole length.
    let range = format!("Content-Range: bytes 10-19/{FILE_LEN}");
    let piece = Reply::Send(answer("206 Partial Content", &[&range], 10, &setting.file[10..20]));
    let replies = [dropped(&setting.file, 10), piece, rest(&setting.file, 20)];
    let (result, requests) = setting.fetch(replies);
    setting.assert_arrived(result);
    assert_eq!(range_start(&requests[2]), Some(20));

    fs::remove_file(setting.path()).unwrap();
    let (result, _) = setting.fetch([dropped(&setting.file, last), rest(&setting.file, last)]);
    setting.assert_arrived(result);
}

/// Without a length, as a proxy may send its own page, or anything at all without end.
#[test]
fn a_body_that_does_not_end_is_cut_off() {
    let mut setting = Setting::new();
    setting.model.size_mib = 0.5;
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize(5 << 20, b'x');
    let (result, requests) = setting.fetch([Reply::Send(endless)]);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("more than 2097152 bytes"), "{error}");
    assert_eq!(requests.len(), 1, "it is not asked again");
    assert_eq!(fs::metadata(setting.part()).map_or(0, |part| part.len()), 0);
}

#[test]
fn a_silent_server_is_asked_again() {
    let setting = Setting::new();
    let begun = answer("200 OK", &[], FILE_LEN, &setting.file[..5000]);
    let server = Server::start([Reply::Stall(begun), rest(&setting.file, 5000)]);
    // The second answer has to begin within this time, on a machine that may be busy.
    let stall = Duration::from_millis(500);
    let (result, _) = setting.fetch_within(stall, &server.base_url());
    setting.assert_arrived(result);
    assert_eq!(range_start(&server.requests()[1]), Some(5000));
}

#[test]
fn a_server_that_hangs_up_is_asked_again() {
    let setting = Setting::new();
    let (result, requests) = setting.fetch([Reply::Send(Vec::new()), whole(&setting.file)]);
    setting.assert_arrived(result);
    assert_eq!(requests.len(), 2);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let setting = Setting::new();
    let server = Server::start([]);
    let base_url = server.base_url();
    assert!(server.requests().is_empty());
    let (result, steps) = setting.fetch_from(&base_url);
    let error = result.unwrap_err();
    assert!(matches!(error, FetchError::Network { received: 0, .. }), "{error}");
    assert!(error.to_string().contains(&base_url), "{error}");
    assert!(steps.is_empty());
}

#[test]
fn a_server_that_does_not_speak_tls_is_an_error() {
    let setting = Setting::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("https://{}", listener.local_addr().unwrap());
    // It must speak first: the greeting of a TLS client has no end it would recognise.
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&answer("400 Bad Request", &[], 0, b"")).unwrap();
    });
    let (result, _) = setting.fetch_from(&base_url);
    let error = result.unwrap_err();
    assert!(matches!(error, FetchError::Network { .. }), "{error}");
    server.join().unwrap();
}

#[test]
fn an_address_that_is_none_is_an_error() {
    let setting = Setting::new();
    for nonsense in ["", "no address", "ftp://127.0.0.1:1"] {
        let (result, _) = setting.fetch_from(nonsense);
        let error = result.unwrap_err();
        assert!(matches!(error, FetchError::Network { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let setting = Setting::new();
    let file = setting.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let folder = file.join("models");
    let error =
        Source::new("http://127.0.0.1:1").fetch(&setting.model, &folder, &mut |_| {}).unwrap_err();
    let FetchError::File { path, action, .. } = &error else { panic!("{error}") };
    assert_eq!((path, *action), (&folder, Action::CreateFolder));
    assert!(error.to_string().starts_with(&folder.display().to_string()), "{error}");
}

#[test]
fn two_at_once_share_one_download() {
    let setting = Setting::new();
    // One reply: a second request would find nobody and fail.
    let server = Server::start([whole(&setting.file)]);
    let url = server.base_url();
    let results = thread::scope(|scope| {
        let handles = [(); 4].map(|()| scope.spawn(|| setting.fetch_from(&url).0));
        handles.map(|handle| handle.join().unwrap())
    });
    for result in results {
        setting.assert_arrived(result);
    }
    assert_eq!(server.requests().len(), 1);
}
