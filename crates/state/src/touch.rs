//! LastAccessedDate: the UTC day of a secret's, and of a version's, last GetSecretValue.

use types::Timestamp;

use crate::command::{Access, Touch};
use crate::outcome::Applied;
use crate::secret::{Secret, VersionEntry};
use crate::state::State;

impl State {
    /// Dates what was read. What is gone by now is passed over, and no date goes back.
    ///
    /// No date is later than log time either: the day comes from the node that answered the read, whose clock may be
    /// ahead, and a date once written would stand until that day has come.
    pub(crate) fn touch(&mut self, command: &Touch) -> Applied {
        let day = command.day.min(self.time).start_of_day();
        for entry in &command.entries {
            self.touch_replica(entry, day);
            let touched = self.secrets.get(&entry.secret).and_then(|secret| touched(secret, entry, day));
            if let Some(touched) = touched {
                // Not a change in the sense of LastChangedDate.
                self.replace(touched);
            }
        }
        Applied::Touched
    }
}

/// The secret with its new dates; `None` if it has them.
fn touched(secret: &Secret, entry: &Access, day: Timestamp) -> Option<Secret> {
    let older = secret.versions.of_part(entry.part).filter(|version| version.last_accessed < Some(day));
    if secret.last_accessed >= Some(day) && older.is_none() {
        return None;
    }
    let mut next = secret.clone();
    next.last_accessed = next.last_accessed.max(Some(day));
    if let Some(older) = older {
        next.versions.replace(VersionEntry { last_accessed: Some(day), ..older.clone() });
    }
    Some(next)
}
