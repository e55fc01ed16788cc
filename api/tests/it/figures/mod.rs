//! `/analytics/` and `orders totals`: what was sold, in pictures, tables, files, and as bars on a terminal.

mod browser;
mod cli;
mod pages;
mod past;
