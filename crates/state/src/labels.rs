//! How staging labels move between the versions of a secret.
//!
//! A label is an entry of a sorted list that names its one holder, so no label can be on two versions. The
//! rules are those that were recorded from AWS; a write of a value is [`attach`], and the move of AWSCURRENT
//! alone is [`move_current`].

use types::{StagingLabel, VersionId};

/// Each label with its holder, sorted by label.
pub(crate) type Labels = Vec<(StagingLabel, VersionId)>;

/// The version that carries `label`.
pub(crate) fn holder<'a>(labels: &'a Labels, label: &StagingLabel) -> Option<&'a VersionId> {
    let at = position(labels, label).ok()?;
    labels.get(at).map(|(_, version)| version)
}

/// Puts the labels of a write on version `to`; the `first` version with a value also gets AWSCURRENT.
///
/// Where that demotes a version, the demoted one loses AWSPENDING and keeps its other labels.
pub(crate) fn attach(labels: &mut Labels, to: &VersionId, stages: &[StagingLabel], first: bool) {
    for label in stages.iter().filter(|label| **label != StagingLabel::Current) {
        place(labels, label.clone(), to);
    }
    if !first && !stages.contains(&StagingLabel::Current) {
        return;
    }
    let demoted = holder(labels, &StagingLabel::Current).filter(|from| *from != to);
    if demoted.is_some() && demoted == holder(labels, &StagingLabel::Pending) {
        detach(labels, &StagingLabel::Pending);
    }
    move_current(labels, to);
}

/// Moves AWSCURRENT to a version; its former holder becomes AWSPREVIOUS, and no other version is.
pub(crate) fn move_current(labels: &mut Labels, to: &VersionId) {
    let from = holder(labels, &StagingLabel::Current).cloned();
    if from.as_ref() == Some(to) {
        return;
    }
    detach(labels, &StagingLabel::Previous);
    place(labels, StagingLabel::Current, to);
    if let Some(from) = from {
        place(labels, StagingLabel::Previous, &from);
    }
}

/// Puts one label on a version, wherever it was before.
pub(crate) fn place(labels: &mut Labels, label: StagingLabel, to: &VersionId) {
    match position(labels, &label) {
        Ok(at) => labels[at].1 = to.clone(),
        Err(at) => {
            // Most secrets stay with one or two labels, and a vector that grows by itself would begin with four.
            labels.reserve_exact(1);
            labels.insert(at, (label, to.clone()));
        }
    }
}

/// Takes a label from whichever version has it.
pub(crate) fn detach(labels: &mut Labels, label: &StagingLabel) {
    if let Ok(at) = position(labels, label) {
        labels.remove(at);
    }
}

fn position(labels: &Labels, label: &StagingLabel) -> Result<usize, usize> {
    labels.binary_search_by(|(known, _)| known.cmp(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of labels in the notation of the traces: `C P Pend`, others as they are.
    fn stages(text: &str) -> Vec<StagingLabel> {
        let label = |word: &str| match word {
            "C" => StagingLabel::Current,
            "P" => StagingLabel::Previous,
            "Pend" => StagingLabel::Pending,
            custom => StagingLabel::parse(custom).unwrap(),
        };
        text.split_whitespace().map(label).collect()
    }

    fn version(number: u32) -> VersionId {
        VersionId::parse(&format!("{number:032}")).unwrap()
    }

    #[derive(Default)]
    struct Trace(Labels);

    impl Trace {
        fn put(&mut self, number: u32, labels: &str) -> &mut Self {
            let first = self.0.is_empty();
            attach(&mut self.0, &version(number), &stages(labels), first);
            self
        }

        fn move_current_to(&mut self, number: u32) -> &mut Self {
            move_current(&mut self.0, &version(number));
            self
        }

        fn remove(&mut self, label: &str) -> &mut Self {
            stages(label).iter().for_each(|label| detach(&mut self.0, label));
            self
        }

        #[track_caller]
        fn shows(&mut self, expected: &[(u32, &str)]) -> &mut Self {
            let mut wanted: Labels = Vec::new();
            for (number, labels) in expected {
                wanted.extend(stages(labels).into_iter().map(|label| (label, version(*number))));
            }
            wanted.sort();
            assert_eq!(self.0, wanted);
            self
        }
    }

    #[test]
    fn each_put_demotes_the_current_version_and_forgets_the_previous_one() {
        Trace::default()
            .put(1, "C")
            .shows(&[(1, "C")])
            .put(2, "C")
            .shows(&[(2, "C"), (1, "P")])
            .put(3, "C")
            .shows(&[(3, "C"), (2, "P")]);
    }

    #[test]
    fn pending_survives_the_move_of_current_and_vanishes_with_the_next_put() {
        Trace::default()
            .put(1, "C")
            .put(2, "Pend")
            .shows(&[(1, "C"), (2, "Pend")])
            .move_current_to(2)
            .shows(&[(1, "P"), (2, "C Pend")])
            .put(3, "C")
            .shows(&[(3, "C"), (2, "P")]);
    }

    #[test]
    fn a_second_rotation_takes_pending_along() {
        Trace::default()
            .put(1, "C")
            .put(2, "Pend")
            .move_current_to(2)
            .put(3, "Pend")
            .shows(&[(1, "P"), (2, "C"), (3, "Pend")])
            .move_current_to(3)
            .shows(&[(3, "C Pend"), (2, "P")]);
    }

    #[test]
    fn custom_labels_stay_on_a_version_that_is_demoted() {
        let mut by_stage_update = Trace::default();
        by_stage_update.put(1, "C").put(2, "PUT0").move_current_to(2).shows(&[(1, "P"), (2, "C PUT0")]);
        by_stage_update.put(3, "x").move_current_to(3).shows(&[(3, "C x"), (2, "P PUT0")]);
        Trace::default().put(1, "C mine").put(2, "C").shows(&[(2, "C"), (1, "P mine")]);
    }

    #[test]
    fn custom_labels_move_to_the_version_that_names_them() {
        let mut trace = Trace::default();
        trace.put(1, "C").put(2, "one two three").shows(&[(1, "C"), (2, "one two three")]);
        trace.put(3, "one two four").shows(&[(1, "C"), (2, "three"), (3, "one two four")]);
        trace.put(4, "three").shows(&[(1, "C"), (3, "one two four"), (4, "three")]);
    }

    #[test]
    fn removing_a_custom_label_leaves_previous_alone() {
        let mut trace = Trace::default();
        trace.put(1, "C").put(2, "C PENDING").shows(&[(1, "P"), (2, "C PENDING")]);
        trace.remove("PENDING").shows(&[(1, "P"), (2, "C")]);
    }

    #[test]
    fn the_first_version_becomes_current_whatever_it_asks_for() {
        Trace::default().put(1, "Pend").shows(&[(1, "C Pend")]);
        Trace::default().put(1, "mine").shows(&[(1, "C mine")]);
        Trace::default().put(1, "C").shows(&[(1, "C")]);
        // AWSPREVIOUS goes to the version that was current, and there was none.
        Trace::default().put(1, "P").shows(&[(1, "C")]);
    }

    #[test]
    fn current_and_pending_of_one_put_both_stand_on_the_new_version() {
        Trace::default().put(1, "C Pend").put(2, "C Pend").shows(&[(2, "C Pend"), (1, "P")]);
    }

    #[test]
    fn previous_can_be_named_like_any_label() {
        let mut trace = Trace::default();
        trace.put(1, "C").put(2, "C").put(3, "P").shows(&[(2, "C"), (3, "P")]);
        trace.put(4, "C P").shows(&[(4, "C"), (2, "P")]);
    }

    #[test]
    fn a_label_named_twice_is_one_label() {
        Trace::default().put(1, "x x C C").shows(&[(1, "C x")]);
    }

    #[test]
    fn labels_are_case_sensitive_and_may_begin_with_aws() {
        Trace::default()
            .put(1, "C")
            .put(2, "AWSSOMETHING awssomething")
            .shows(&[(1, "C"), (2, "AWSSOMETHING awssomething")]);
    }
}
