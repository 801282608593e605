//! The engine: where it is, as Docker's and BuildKit's clients would find it, and a connection on which its Control API and a session are spoken.
//!
//! An engine is a dockerd, which speaks HTTP/1.1 and upgrades `/grpc` and `/session` to HTTP/2, or a buildkitd, which speaks gRPC on its socket
//! and carries the session in `Control/Session`.
