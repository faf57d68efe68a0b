//! Rows that read well and teach nothing: said before anything is trained, with what would help.

use super::Interactions;
use super::roles::Note;

/// Rows below which a file is somebody's example and not data.
const LEAST: usize = 50;

/// What keeps rows from teaching anything about taste. O(rows).
pub(super) fn unlearnable(rows: &Interactions) -> Vec<Note> {
    let (count, users, items) = (rows.rows().len(), rows.users().len(), rows.items().len());
    let mut notes = Vec::new();
    if count < LEAST {
        return notes;
    }
    let mut of_user = vec![0u32; users];
    rows.rows().iter().for_each(|row| of_user[row.user as usize] += 1);
    let single = of_user.iter().filter(|&&rows| rows == 1).count();
    if single * 4 >= users * 3 {
        notes.push(Note::new(
            "short_histories",
            format!(
                "{single} of {users} people have a single row: of them nothing can be learned or measured, and of taste in general \
                 little. Give longer histories, or leave these people out (k-core 2 or more)"
            ),
        ));
    }
    if users >= 12 && items >= 5 && count * 20 >= users * items * 19 {
        notes.push(Note::new(
            "everybody_has_everything",
            format!(
                "nearly everybody has nearly every item ({count} rows of {users} people and {items} items), so there is nothing to \
                 tell them apart by. If a column says how much they like it, count only what is above a threshold"
            ),
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use crate::interactions::{ReadConfig, Reader};

    fn codes(rows: impl Iterator<Item = (u32, u32)>) -> Vec<String> {
        let mut text = "user,item\n".to_owned();
        rows.for_each(|(user, item)| text += &format!("u{user},i{item}\n"));
        let mut reader = Reader::new(ReadConfig::default());
        reader.push(text.as_bytes());
        let (_, report) = reader.finish().unwrap();
        let known = ["short_histories", "everybody_has_everything"];
        report.notes.into_iter().map(|note| note.code).filter(|code| known.contains(&&**code)).collect()
    }

    #[test]
    fn people_with_one_row_and_people_with_everything_are_told_and_nobody_else() {
        let single = (0..100).map(|user| (user, user % 7)).chain((0..10).map(|user| (user, 7 + user % 3)));
        assert_eq!(codes(single), ["short_histories"]);
        let everything = (0..20).flat_map(|user| (0..10).map(move |item| (user, item)));
        assert_eq!(codes(everything.clone()), ["everybody_has_everything"]);
        // Half of it is taste.
        assert_eq!(codes(everything.filter(|(user, item)| (user + item) % 2 == 0)), [""; 0]);
        // Too little to be said anything of.
        assert_eq!(codes((0..20).map(|user| (user, user % 3))), [""; 0]);
    }
}
