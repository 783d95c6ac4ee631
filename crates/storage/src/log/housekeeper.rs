//! The thread that keeps slow file operations off the write path.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use super::LogError;
use super::segment::Directory;

#[derive(Clone, Copy, Debug)]
enum Task {
    MakeSpare,
    Remove(u32),
}

/// The writer's side of it. There are never more tasks than segments.
#[derive(Debug)]
pub(super) struct Housekeeper {
    tasks: Sender<Task>,
    spares: Receiver<Option<File>>,
}

impl Housekeeper {
    /// Starts the thread. It ends when this is dropped; `stop` cuts a spare file short.
    pub(super) fn start(
        directory: Arc<Directory>,
        segment_bytes: u64,
        stop: Arc<AtomicBool>,
    ) -> Result<(Self, JoinHandle<()>), LogError> {
        let (tasks, incoming) = mpsc::channel();
        let (outgoing, spares) = mpsc::channel();
        let failed = LogError::io("start a thread for", directory.path());
        let run = move || keep_house(&directory, segment_bytes, &stop, &incoming, &outgoing);
        let thread = thread::Builder::new().name("log-housekeeper".to_owned()).spawn(run).map_err(failed)?;
        Ok((Self { tasks, spares }, thread))
    }

    /// Has a file made for the next segment, ahead of its need.
    pub(super) fn order_spare(&self) {
        // When the thread is gone, `take_spare` tells.
        let _ = self.tasks.send(Task::MakeSpare);
    }

    /// The file that was ordered; `None` if it could not be made.
    pub(super) fn take_spare(&self) -> Option<File> {
        self.spares.recv().ok().flatten()
    }

    /// Deletes a segment. Opening finds and deletes those for which this came too late.
    pub(super) fn remove(&self, number: u32) {
        let _ = self.tasks.send(Task::Remove(number));
    }
}

fn keep_house(
    directory: &Directory,
    segment_bytes: u64,
    stop: &AtomicBool,
    tasks: &Receiver<Task>,
    spares: &Sender<Option<File>>,
) {
    // In order, and each only after the one before it: a gap would be corruption.
    let mut doomed = VecDeque::new();
    for task in tasks {
        match task {
            Task::MakeSpare => {
                let spare = directory.make_spare(segment_bytes, stop).inspect_err(|error| {
                    tracing::warn!(error = error as &dyn std::error::Error, "cannot prepare the next log segment");
                });
                // What was cut short is of no use, and nobody waits for it.
                let spare = spare.ok().filter(|_| !stop.load(Ordering::Relaxed));
                let _ = spares.send(spare);
            }
            Task::Remove(number) => doomed.push_back(number),
        }
        while let Some(number) = doomed.front() {
            if let Err(error) = directory.remove_segment(*number) {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot delete a purged log segment");
                break;
            }
            doomed.pop_front();
        }
    }
}
