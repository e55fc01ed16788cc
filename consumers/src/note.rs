//! A short mail that asks for one thing, laid out as plain text and as HTML that say the same.

use crate::language::Lang;
use crate::mail::Letter;
use askama::Template;

/// What it says.
pub(crate) struct Note {
    pub lang: Lang,
    pub subject: String,
    pub salutation: String,
    pub lead: String,
    /// What it asks for, and where that is done.
    pub action: Option<(String, String)>,
    /// What stands below, line by line.
    pub after: Vec<String>,
    pub shop_name: String,
}

#[derive(Template)]
#[template(path = "note.txt")]
struct Text<'a> {
    note: &'a Note,
}

#[derive(Template)]
#[template(path = "note.html")]
struct Html<'a> {
    note: &'a Note,
}

impl Note {
    /// The note as a letter to somebody.
    pub(crate) fn to<'a>(&self, address: &'a str, name: String) -> Result<Letter<'a>, askama::Error> {
        let (text, html) = (Text { note: self }.render()?, Html { note: self }.render()?);
        Ok(Letter { address, name, subject: self.subject.clone(), text, html })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_html_say_the_same() {
        let note = Note {
            lang: Lang::En,
            subject: "One thing".to_owned(),
            salutation: "Dear <Ada>,".to_owned(),
            lead: "Please do this.".to_owned(),
            action: Some(("Do it".to_owned(), "https://leaf.example/?a=1&b=2".to_owned())),
            after: vec!["Thank you.".to_owned(), "Good night.".to_owned()],
            shop_name: "Leaf & Kettle".to_owned(),
        };
        let letter = note.to("ada@example.com", "Ada".to_owned()).unwrap();
        let expected = "Dear <Ada>,\n\nPlease do this.\n\n    https://leaf.example/?a=1&b=2\n\nThank you.\nGood \
                        night.\n\nLeaf & Kettle";
        assert_eq!(letter.text.trim_end(), expected);
        for part in
            ["Dear &#60;Ada&#62;,", "href=\"https://leaf.example/?a=1&#38;b=2\"", ">Do it</a>", "Thank you.<br>"]
        {
            assert!(letter.html.contains(part), "{part} in {}", letter.html);
        }
    }
}
