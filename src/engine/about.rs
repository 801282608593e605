//! What an engine is.

use bollard_buildkit_proto::moby::buildkit::v1::types::WorkerRecord;

/// The label by which a worker tells where it keeps layers; with a dockerd, only one with containerd's image store has it.
const SNAPSHOTTER: &str = "org.mobyproject.buildkit.worker.snapshotter";

/// What an engine says of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// Docker's version; of a dockerd alone.
    pub docker: Option<String>,
    /// The newest version of Docker's interface that it speaks; of a dockerd alone.
    pub api: Option<String>,
    /// BuildKit's version. Those before Docker 23 don't tell.
    pub buildkit: Option<String>,
    /// Who runs the steps.
    pub workers: Vec<Worker>,
}

/// One that runs steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Worker {
    /// Its name.
    pub id: String,
    /// Its labels, by name.
    pub labels: std::collections::BTreeMap<String, String>,
    /// What it runs, as `os/architecture[/variant]`, its own first.
    pub platforms: Vec<String>,
}

impl About {
    /// A dockerd that keeps its images in containerd's store.
    pub fn has_containerd_store(&self) -> bool {
        self.docker.is_some() && self.workers.iter().any(|w| w.labels.contains_key(SNAPSHOTTER))
    }

    /// What some worker runs, without repeats.
    pub fn platforms(&self) -> Vec<&str> {
        let mut platforms: Vec<&str> = Vec::new();
        for platform in self.workers.iter().flat_map(|w| &w.platforms) {
            if !platforms.contains(&platform.as_str()) {
                platforms.push(platform);
            }
        }
        platforms
    }
}

impl From<WorkerRecord> for Worker {
    fn from(record: WorkerRecord) -> Self {
        let platforms = record.platforms.into_iter().map(|p| {
            let parts = [p.os, p.architecture, p.variant];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        });
        Self { id: record.id, labels: record.labels.into_iter().collect(), platforms: platforms.collect() }
    }
}
