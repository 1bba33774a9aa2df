//! What each event of a form said of a cell, and what was said of it until then.

use super::{Act, Event, EventId, Recorded, reference};
use crate::checks::FieldRef;
use crate::symbol::Symbol;
use std::collections::BTreeMap;

/// What an event made of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The cell.
    pub field: FieldRef,
    /// What was said to stand in its boxes until then, by machine or person.
    pub before: Option<[Symbol; 3]>,
    /// What is said from then on.
    pub after: Option<[Symbol; 3]>,
}

/// The events of one form, told one after the other from the first on.
#[derive(Debug, Default)]
pub struct Telling {
    said: BTreeMap<FieldRef, [Symbol; 3]>,
    acts: BTreeMap<EventId, Change>,
}

impl Telling {
    /// What the next event made of a cell, if of any. The answer to a settled cell changes nothing and has nothing before it.
    pub fn next(&mut self, recorded: &Recorded) -> Option<Change> {
        match &recorded.event {
            Event::Read { reading, .. } => {
                let fields = reading.fields.iter();
                self.said.extend(fields.map(|field| (reference(field), field.marks)));
                None
            }
            Event::Act(Act::Cell { field, marks, .. }) => {
                let change = Change {
                    field: field.clone(),
                    before: self.said.insert(field.clone(), *marks),
                    after: Some(*marks),
                };
                self.acts.insert(recorded.id, change.clone());
                Some(change)
            }
            Event::Undone(id) => {
                let Change { field, before, .. } = self.acts.get(id)?.clone();
                Some(self.says(field, before))
            }
            Event::Redone(id) => {
                let Change { field, after, .. } = self.acts.get(id)?.clone();
                Some(self.says(field, after))
            }
            Event::Probe { field, marks } => Some(Change {
                field: field.clone(),
                before: None,
                after: Some(*marks),
            }),
            Event::Imported { .. } | Event::Unreadable { .. } | Event::Act(_) => None,
        }
    }

    fn says(&mut self, field: FieldRef, after: Option<[Symbol; 3]>) -> Change {
        let before = match after {
            Some(marks) => self.said.insert(field.clone(), marks),
            None => self.said.remove(&field),
        };
        Change { field, before, after }
    }
}
