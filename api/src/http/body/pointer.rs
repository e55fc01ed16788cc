//! Where in a document a reader is, kept on the stack and written out only when there is a fault to point at.

/// One step into a document, and the steps before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'p> {
    /// The whole document.
    Root,
    /// A member of the object at the path.
    Member(&'p Path<'p>, &'p str),
    /// An element of the array at the path, counted from 0.
    Element(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// As a JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.write(&mut pointer);
        pointer
    }

    fn write(&self, pointer: &mut String) {
        match self {
            Path::Root => {}
            Path::Member(parent, name) => {
                parent.write(pointer);
                pointer.push('/');
                pointer.push_str(&escaped(name));
            }
            Path::Element(parent, index) => {
                parent.write(pointer);
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
    }
}

/// A member's name may be as long as the body: no more of it than this is repeated.
const MAX_NAME_CHARS: usize = 64;

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len().min(MAX_NAME_CHARS));
    for char in name.chars().take(MAX_NAME_CHARS) {
        match char {
            '~' => escaped.push_str("~0"),
            '/' => escaped.push_str("~1"),
            char => escaped.push(char),
        }
    }
    escaped
}
