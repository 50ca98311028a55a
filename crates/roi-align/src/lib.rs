//! RoIAlign: a plan, a CPU kernel, an embedding bag, and the multi-level pooler.
