//! Published models: names, addresses, hashes, download.
