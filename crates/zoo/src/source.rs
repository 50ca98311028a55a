//! The server models come from, and how long it may take.

use crate::Model;
use std::env;
use std::net::IpAddr;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Uri;

/// Where torchvision's files are.
const TORCHVISION: &str = "https://download.pytorch.org/models";

/// A folder on a server that has the published files under their own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The folder's address, with or without a slash at its end.
    pub base_url: String,
    /// When to give up.
    pub patience: Patience,
}

/// How long a download waits, and how often it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest time to find the server, and to connect to it.
    pub connect: Duration,
    /// The longest silence; a slow download that goes on is never ended.
    pub stall: Duration,
    /// The most requests for one file, the first one included.
    pub tries: u32,
    /// The wait before the second request; it doubles for each further one.
    pub pause: Duration,
}

impl Default for Patience {
    /// 30 seconds each to connect and of silence; 6 tries within 15.5 seconds of pauses.
    fn default() -> Self {
        let (connect, stall) = (Duration::from_secs(30), Duration::from_secs(30));
        Self { connect, stall, tries: 6, pause: Duration::from_millis(500) }
    }
}

impl Default for Source {
    /// torchvision's own server.
    fn default() -> Self {
        Self::new(TORCHVISION)
    }
}

impl Source {
    /// A mirror.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), patience: Patience::default() }
    }

    /// The mirror `KESTREL_MODEL_URL`, where it is set; torchvision's own server where not.
    pub fn from_env() -> Self {
        let base_url = env::var("KESTREL_MODEL_URL").ok().filter(|url| !url.trim().is_empty());
        base_url.map_or_else(Self::default, |url| Self::new(url.trim()))
    }

    /// The address of a model's file.
    pub fn url(&self, model: &Model) -> String {
        format!("{}/{}", self.base_url.trim_end_matches('/'), model.file_name())
    }

    /// Something that asks this server.
    pub(crate) fn agent(&self) -> Agent {
        let Patience { connect, stall, .. } = self.patience;
        let config = Agent::config_builder()
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_per_read(Some(stall))
            .timeout_per_write(Some(stall))
            // Eight digits of a hash find an accident, not a forgery; against that there is TLS,
            // which no redirect may leave.
            .https_only(self.base_url.starts_with("https://"))
            .http_status_as_error(false)
            .user_agent(concat!("kestrel/", env!("CARGO_PKG_VERSION")));
        // A proxy has another idea of what the loopback address is.
        let config = if self.is_on_this_machine() { config.proxy(None) } else { config };
        config.build().new_agent()
    }

    fn is_on_this_machine(&self) -> bool {
        let uri = self.base_url.parse::<Uri>().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(|host| {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MODELS;

    #[test]
    fn addresses_are_torchvisions() {
        let source = Source::default();
        let url = source.url(&MODELS[0]);
        assert_eq!(url, "https://download.pytorch.org/models/resnet18-f37072fd.pth");
        assert!(source.agent().config().https_only());
    }

    #[test]
    fn a_slash_at_the_end_of_a_mirror_makes_no_difference() {
        let urls =
            ["http://mirror/m", "http://mirror/m/"].map(|base| Source::new(base).url(&MODELS[0]));
        assert_eq!(urls, ["http://mirror/m/resnet18-f37072fd.pth"; 2].map(str::to_owned));
    }

    #[test]
    fn only_this_machine_needs_no_proxy() {
        let is_near = |url| Source::new(url).is_on_this_machine();
        for near in ["http://127.0.0.1:8000/", "http://localhost/models", "http://[::1]:80"] {
            assert!(is_near(near), "{near}");
        }
        for far in [TORCHVISION, "http://localhost.example.org", "http://127.example.org", "", "?"]
        {
            assert!(!is_near(far), "{far}");
        }
    }
}
