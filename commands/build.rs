//! The migrations are part of this crate, by a macro that can't tell cargo when a file comes in addition.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
