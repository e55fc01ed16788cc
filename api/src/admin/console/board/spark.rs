//! Small charts without axes: the last hour of one number.

use std::fmt::Write as _;

/// How wide and high one is, in units of its own.
pub(super) const WIDTH: f64 = 120.0;
pub(super) const HEIGHT: f64 = 28.0;
/// As much is left above the highest point, so that its line is seen whole.
const ABOVE: f64 = 2.0;

/// The points of a line as SVG writes them (`polyline`), the oldest to the left; empty where there are fewer than two.
pub(super) fn points(values: &[Option<f64>]) -> String {
    if values.len() < 2 {
        return String::new();
    }
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let step = WIDTH / (values.len() - 1) as f64;
    let mut points = String::with_capacity(values.len() * 12);
    for (index, value) in values.iter().enumerate() {
        let part = if most > 0.0 { value.unwrap_or(0.0) / most } else { 0.0 };
        let (x, y) = (step * index as f64, HEIGHT - part * (HEIGHT - ABOVE));
        // Writing into a text does not fail.
        let _ = write!(points, "{}{x:.1},{y:.1}", if index > 0 { " " } else { "" });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reaches_from_the_oldest_to_the_newest() {
        assert_eq!(points(&[Some(0.0), Some(5.0), Some(10.0)]), "0.0,28.0 60.0,15.0 120.0,2.0");
        assert_eq!(points(&[None, None]), "0.0,28.0 120.0,28.0", "what is not known is nothing");
        assert_eq!((points(&[]), points(&[Some(1.0)])), (String::new(), String::new()));
    }
}
