//! Pictures in: decoding, finding files, drawn test data.
