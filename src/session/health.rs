//! `grpc.health.v1.Health/Check`: engines ask every few seconds whether the session still lives, and end it after two questions
//! without an answer (`session/grpc.go`, `monitorHealth`).

use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use tokio_stream::Pending;
use tonic::{Request, Response, Status};

/// Answers that the session lives.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alive;

impl Alive {
    /// The service, of which a session offers `Check`.
    pub fn server() -> HealthServer<Self> {
        HealthServer::new(Self)
    }
}

#[tonic::async_trait]
impl Health for Alive {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("a session is asked for its health as a whole"))
    }

    type WatchStream = Pending<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("a session is asked for its health, not watched"))
    }
}
