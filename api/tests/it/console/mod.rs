//! The console at `/ops/`: what it shows, what can be done there, and how it goes on without being loaded again.

mod browser;
mod deeds;
mod pages;
mod parked;
mod stream;
mod support;
