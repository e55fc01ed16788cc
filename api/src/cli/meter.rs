//! How far a long command is: a bar on a terminal, else a plain line now and then. Both on standard error.

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often there is a plain line.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often the bar turns while nothing else changes.
const TURN_EVERY: Duration = Duration::from_millis(120);
/// A rate says something once this much was measured.
const RATE_AFTER: Duration = Duration::from_millis(500);

/// The bar that stands on the terminal, so that what is logged meanwhile goes above it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows how far a command is, one thing after the other. What it shows is gone when it is dropped.
pub(super) struct Meter {
    bar: ProgressBar,
    unit: &'static str,
    stretch: Option<Stretch>,
    last_line: Instant,
}

/// What is being done, and where that began.
struct Stretch {
    what: String,
    begun: Instant,
    begun_at: u64,
}

impl Meter {
    /// A meter that counts `unit`, such as `events`; nothing where it differs.
    pub(super) fn new(unit: &'static str) -> Self {
        // The text is cut where the terminal ends: a line that wraps is never quite taken away again.
        let template = "{spinner} {prefix}  {bar:10} {percent:>3} %  {wide_msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        Self { bar, unit, stretch: None, last_line: Instant::now() }
    }

    /// Shows that so much of `what` is done.
    pub(super) fn show(&mut self, what: &str, done: u64, total: u64) {
        if self.stretch.as_ref().is_none_or(|stretch| stretch.what != what) {
            self.stretch = Some(Stretch { what: what.to_owned(), begun: Instant::now(), begun_at: done });
            self.bar.set_prefix(what.to_owned());
        }
        let Some(stretch) = &self.stretch else { return };
        let text = stretch.text(done, total, self.unit);
        if self.bar.is_hidden() {
            if self.last_line.elapsed() >= LINE_EVERY {
                self.last_line = Instant::now();
                let percent = (done * 100).checked_div(total).unwrap_or(0);
                // Who closed our errors wants no lines.
                let _ = writeln!(io::stderr(), "{what}: {percent} %, {text}");
            }
            return;
        }
        self.bar.set_length(total.max(1));
        self.bar.set_position(done);
        self.bar.set_message(text);
        let mut shown = shown();
        if shown.is_none() {
            self.bar.enable_steady_tick(TURN_EVERY);
            *shown = Some(self.bar.clone());
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        *shown() = None;
        self.bar.finish_and_clear();
    }
}

impl Stretch {
    fn text(&self, done: u64, total: u64, unit: &str) -> String {
        let counts = format!("{} of {} {unit}", HumanCount(done), HumanCount(total));
        let counts = counts.trim_end();
        let elapsed = self.begun.elapsed();
        let since = done.saturating_sub(self.begun_at);
        if elapsed < RATE_AFTER || since == 0 {
            return counts.to_owned();
        }
        let per_second = since as f64 / elapsed.as_secs_f64();
        // A rate is never negative, and far below 2^53.
        let rate = HumanCount(per_second as u64);
        let left = Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / per_second).unwrap_or(Duration::MAX);
        format!("{counts}, {rate}/s, {} left", HumanDuration(Duration::from_secs(left.as_secs())))
    }
}

fn shown() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard error, with a bar that may stand there put aside for each line.
pub fn above_the_bar() -> impl Write {
    struct Stderr;
    impl Write for Stderr {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let bar = shown().clone();
            match bar {
                Some(bar) => bar.suspend(|| io::stderr().write(line)),
                None => io::stderr().write(line),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            io::stderr().flush()
        }
    }
    Stderr
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A terminal that keeps the longest line that it was given.
    #[derive(Debug, Clone, Default)]
    struct Narrow {
        columns: u16,
        longest: Arc<AtomicUsize>,
    }

    impl TermLike for Narrow {
        fn width(&self) -> u16 {
            self.columns
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            // The rest of a line is filled up with blanks, by a write of its own.
            let columns = if text.trim().is_empty() { 0 } else { text.chars().count() };
            self.longest.fetch_max(columns, Ordering::Relaxed);
            Ok(())
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_bar_stays_on_one_line_of_a_narrow_terminal() {
        let meter = Meter::new("events");
        for columns in [44, 59, 60, 120] {
            let narrow = Narrow { columns, ..Narrow::default() };
            meter.bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(narrow.clone())));
            meter.bar.set_prefix("aggregates");
            meter.bar.set_length(10_000_000);
            meter.bar.set_message("1,234,567 of 10,000,000 events, 123,456/s, 71 seconds left");
            meter.bar.force_draw();
            let longest = narrow.longest.load(Ordering::Relaxed);
            assert!(longest > 30 && longest <= usize::from(columns), "{longest} of {columns}");
        }
    }

    #[test]
    fn a_rate_comes_with_what_was_done_here() {
        let fresh = Stretch { what: "x".to_owned(), begun: Instant::now(), begun_at: 500 };
        assert_eq!(fresh.text(500, 1_000, "events"), "500 of 1,000 events");
        let begun = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let text = Stretch { begun, ..fresh }.text(600, 1_000, "events");
        assert!(text.starts_with("600 of 1,000 events, ") && text.ends_with("/s, 40 seconds left"), "{text}");
    }
}
