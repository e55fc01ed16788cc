//! One connection: what the browser missed, then what happens, and what it asks for.

use super::Live;
use super::LiveSettings;
use super::access;
use super::cursor::Cursor;
use super::frames::{Asked, Frame};
use super::holder::Holder;
use super::hub::{Badge, Close, Seat};
use super::news::{Mail, News};
use super::now::Now;
use super::shown::Shown;
use super::write::{self, Unwritten};
use crate::app::App;
use crate::http::ConnectionPlace;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use domain::ids::OrderId;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

/// The most bytes of what a browser sends: a message of a thousand characters, however they are written in JSON, is
/// below.
pub(super) const MAX_TEXT_BYTES: usize = 16 << 10;
/// Above the most bytes, so that one who sends more can be told before the connection is given up.
pub(super) const MAX_FRAME_BYTES: usize = 64 << 10;
/// How many frames a browser may send at once, and how many a second in the long run; an answer to a ping is one.
const FRAMES_AT_ONCE: f64 = 30.0;
const FRAMES_PER_S: f64 = 1.0;
/// How long a new socket waits until news is fetched: as long as the database takes to answer.
const AWAKE_AT_MOST: Duration = Duration::from_secs(10);
/// How long the other side has to agree to an end.
const CLOSED_AT_MOST: Duration = Duration::from_secs(2);

/// Somebody who watches an order.
pub(super) struct Watcher {
    pub(super) app: Arc<App>,
    pub(super) order: OrderId,
    pub(super) badge: Badge,
    /// With which API key, where it is no browser.
    pub(super) holder: Option<Holder>,
    pub(super) seat: Seat,
    /// Where a browser that was here before goes on.
    pub(super) after: Option<Cursor>,
    pub(super) place: Option<ConnectionPlace>,
}

/// Why it is over.
enum End {
    /// The other side has gone, or does not talk WebSocket.
    Gone,
    /// We close it.
    Close(Close),
}

/// Serves a socket to its end.
pub(super) async fn serve(socket: WebSocket, mut watcher: Watcher) {
    let mut line = Line::new(socket, *watcher.app.live.settings());
    let Err(end) = watcher.watch(&mut line).await;
    if let End::Close(why) = end {
        line.close(why).await;
    }
    drop(watcher.seat);
    line.drain().await;
    drop(watcher.place);
}

impl Watcher {
    async fn watch(&mut self, line: &mut Line) -> Result<Infallible, End> {
        let mut shown = self.begin(line).await?;
        let mut pings = tokio::time::interval(line.settings.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let silent_at = line.heard_at + line.settings.silence_at_most;
            tokio::select! {
                news = self.seat.next() => {
                    let news = news.map_err(End::Close)?;
                    tell(line, &mut shown, &news).await?;
                }
                asked = line.hear() => if let Some(asked) = asked? {
                    self.answer(line, asked).await?;
                },
                // The first comes at once: who lost the right while joining is not passed over.
                _ = pings.tick() => {
                    self.check().await?;
                    line.send(Message::Ping(Bytes::new())).await?;
                }
                () = tokio::time::sleep_until(silent_at) => return Err(End::Close(Close::Silent)),
            }
        }
    }

    /// Tells what the browser missed, or how everything is. That is looked up only once all news is on its way here, so
    /// that what happens meanwhile comes one way or the other, and is told once.
    async fn begin(&self, line: &mut Line) -> Result<Shown, End> {
        let live = &self.app.live;
        let awake = tokio::time::timeout(AWAKE_AT_MOST, live.hub().awake()).await;
        awake.map_err(|_| End::Close(Close::Again))?;
        let now = look(live, self.order).await?;
        if now.mail != Mail::Sent {
            live.mails().wait_for(self.order, now.history.placed);
        }
        match self.after.and_then(|cursor| now.shown_at(cursor)) {
            Some(mut shown) => {
                for news in now.news() {
                    tell(line, &mut shown, &news).await?;
                }
                Ok(shown)
            }
            None => {
                let shown = now.shown();
                line.say(&Frame::state(&now, &shown)).await?;
                Ok(shown)
            }
        }
    }

    /// Ends it for who is not let in any more: groups are closed in the process alone where somebody logs out, and a
    /// key may have been revoked anywhere. While the database can't say, there is no news either; the next ping asks
    /// again.
    async fn check(&self) -> Result<(), End> {
        if let Some(holder) = &self.holder {
            return if holder.is_valid(&self.app).await { Ok(()) } else { Err(End::Close(Close::Ended)) };
        }
        match access::lost(&self.app, self.badge).await {
            Ok(None) => Ok(()),
            Ok(Some(why)) => Err(End::Close(why)),
            Err(error) => {
                tracing::warn!(%error, "who watches an order can't be looked at");
                Ok(())
            }
        }
    }

    async fn answer(&self, line: &mut Line, asked: Asked) -> Result<(), End> {
        let Asked::Message { key, text } = asked;
        if let Some(holder) = &self.holder {
            self.check().await?;
            if !holder.may_write() {
                return line.say(&Frame::Refused { key, why: "forbidden" }).await;
            }
        }
        match access::lost(&self.app, self.badge).await {
            Ok(None) => {}
            Ok(Some(why)) => return Err(End::Close(why)),
            Err(error) => {
                tracing::warn!(%error, "a message could not be kept");
                return line.say(&Frame::Refused { key, why: Unwritten::Unavailable(error).code() }).await;
            }
        }
        match write::keep(&self.app, self.order, key, &text).await {
            Ok(message) => line.say(&Frame::Accepted { key, id: message.id }).await,
            Err(unwritten) => {
                if let Unwritten::Unavailable(error) = &unwritten {
                    tracing::warn!(%error, "a message could not be kept");
                }
                line.say(&Frame::Refused { key, why: unwritten.code() }).await
            }
        }
    }
}

async fn look(live: &Live, order: OrderId) -> Result<Now, End> {
    match Now::of(live, order).await {
        Ok(Some(now)) => Ok(now),
        // Whoever was let in has the key of an order that was there.
        Ok(None) => Err(End::Close(Close::Ended)),
        Err(error) => {
            tracing::warn!(%error, "an order can't be looked at for who watches it");
            Err(End::Close(Close::Again))
        }
    }
}

/// Tells news that is new to this browser.
async fn tell(line: &mut Line, shown: &mut Shown, news: &News) -> Result<(), End> {
    if !shown.take(news) {
        return Ok(());
    }
    match Frame::of(news, shown) {
        Some(frame) => line.say(&frame).await,
        None => Ok(()),
    }
}

/// The connection, with a bound on all that is done with it.
struct Line {
    socket: WebSocket,
    settings: LiveSettings,
    /// When the other side was last heard.
    heard_at: Instant,
    allowance: Allowance,
}

impl Line {
    fn new(socket: WebSocket, settings: LiveSettings) -> Self {
        let now = Instant::now();
        Self { socket, settings, heard_at: now, allowance: Allowance { frames: FRAMES_AT_ONCE, counted_at: now } }
    }

    async fn say(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let text = serde_json::to_string(frame).map_err(|_| End::Close(Close::Again))?;
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(self.settings.send_at_most, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Close(Close::TooSlow)),
        }
    }

    /// What the browser asks for; `None` for a sign of life. Cancel safe.
    async fn hear(&mut self) -> Result<Option<Asked>, End> {
        let Some(Ok(message)) = self.socket.recv().await else { return Err(End::Gone) };
        self.heard_at = Instant::now();
        if !self.allowance.take(self.heard_at) {
            return Err(End::Close(Close::Violation));
        }
        match message {
            Message::Text(text) if text.len() > MAX_TEXT_BYTES => Err(End::Close(Close::TooBig)),
            Message::Text(text) => {
                serde_json::from_str(text.as_str()).map(Some).map_err(|_| End::Close(Close::Violation))
            }
            Message::Binary(_) => Err(End::Close(Close::Violation)),
            // A ping is answered by the library.
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => Err(End::Gone),
        }
    }

    async fn close(&mut self, why: Close) {
        let frame = CloseFrame { code: why.code(), reason: why.reason().into() };
        let send = self.socket.send(Message::Close(Some(frame)));
        // Who does not take it is gone all the same.
        let _ = tokio::time::timeout(CLOSED_AT_MOST, send).await;
    }

    /// Reads on to the end of the connection, so that the other side gets the last that was sent.
    async fn drain(&mut self) {
        let ended = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = tokio::time::timeout(CLOSED_AT_MOST, ended).await;
    }
}

/// How many frames a browser may still send: a token bucket.
#[derive(Debug)]
struct Allowance {
    frames: f64,
    counted_at: Instant,
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.counted_at).as_secs_f64() * FRAMES_PER_S;
        (self.frames, self.counted_at) = ((self.frames + earned).min(FRAMES_AT_ONCE), now);
        let is_left = self.frames >= 1.0;
        if is_left {
            self.frames -= 1.0;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::MessageText;

    #[test]
    fn a_browser_may_send_a_few_frames_at_once() {
        let start = Instant::now();
        let mut allowance = Allowance { frames: FRAMES_AT_ONCE, counted_at: start };
        let taken = (0..100).filter(|_| allowance.take(start)).count();
        assert_eq!(taken, 30);
        assert!(!allowance.take(start + Duration::from_millis(900)));
        assert!(allowance.take(start + Duration::from_secs(2)));
    }

    #[test]
    fn the_longest_message_fits() {
        // As JSON may write a character: two escapes of six bytes.
        let longest = MessageText::MAX_CHARS * 12;
        assert!(longest + 200 < MAX_TEXT_BYTES && MAX_TEXT_BYTES < MAX_FRAME_BYTES);
    }
}
