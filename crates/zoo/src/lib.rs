//! Published models: what they are called, what they score, and how they come onto this machine.
//!
//! A name becomes a [`Model`], a row of facts about one file that torchvision publishes
//! ([`find`]); a [`Cache`] says where such a file lies; [`fetch`] brings it there.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = kestrel_zoo::find("maskrcnn_resnet50_fpn")?;
//! let cache = kestrel_zoo::Cache::from_env()?;
//! let path = kestrel_zoo::fetch(model, cache.folder(), &mut |progress| {
//!     println!("{} of {:?} bytes", progress.received, progress.total);
//! })?;
//! # Ok(())
//! # }
//! ```
//!
//! A download is written to a `.part` file beside its final place. Whatever ends it early, a lost
//! connection, a full disk, Ctrl-C, the next one goes on from there; only a complete file with the
//! right SHA-256 gets the final name. A model with the final name is therefore used without a
//! further look, and without the network.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `KESTREL_CACHE` | the cache folder, instead of `kestrel` in the user's cache folder |
//! | `KESTREL_MODEL_URL` | a folder of the same files on another server, instead of torchvision's |
//! | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | as everywhere |

mod cache;
mod download;
mod error;
mod fetch;
mod lock;
mod models;
mod part;
mod search;
mod source;

pub use cache::{Cache, NoCacheFolder, cache_root};
pub use error::{Action, FetchError};
pub use fetch::{Progress, fetch};
pub use models::{Accuracy, Architecture, Kind, MODELS, Model, Recipe};
pub use search::{UnknownModel, find};
pub use source::{Patience, Source};
