//! Feature pyramids P2 to P6.
