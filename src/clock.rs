//! Time, behind a seam: the only module that reads a clock.
//!
//! Everything else is given a [`Clock`], so that tests run on frozen time and the same input gives the same bytes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time, in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Makes a timestamp from milliseconds since the Unix epoch.
    pub fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the point in time that lies `by` earlier, at most 1970.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns the whole seconds since the Unix epoch.
    pub fn unix_seconds(self) -> i64 {
        i64::try_from(self.0 / 1000).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC with milliseconds: `2026-11-01T12:00:00.000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + Duration::from_millis(self.0);
        write!(f, "{}", humantime::format_rfc3339_millis(time))
    }
}

/// Tells the time of day and the time since the program started.
pub trait Clock: Send + Sync {
    /// Returns the time of day.
    fn now(&self) -> Timestamp;
    /// Returns the time since this clock was made; never goes backwards.
    fn elapsed(&self) -> Duration;
}

/// Something that can wait; tests do not.
pub trait Wait: Send + Sync {
    /// Returns after `duration`.
    fn wait(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Waits by the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioWait;

impl Wait for TokioWait {
    fn wait(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts a clock whose [`Clock::elapsed`] counts from now.
    #[allow(clippy::disallowed_methods, reason = "the one module that may read the clock")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one module that may read the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is told to move; for tests.
#[derive(Debug)]
pub struct FrozenClock {
    now_millis: Mutex<u64>,
    started_millis: u64,
}

impl FrozenClock {
    /// Stops a clock at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now_millis: Mutex::new(now.0), started_millis: now.0 }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now_millis.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now += u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    }

    fn millis(&self) -> u64 {
        *self.now_millis.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.millis())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.millis() - self.started_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_as_rfc_3339() {
        assert_eq!(Timestamp::from_unix_millis(1_793_534_400_123).to_string(), "2026-11-01T12:00:00.123Z");
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = FrozenClock::at(Timestamp::from_unix_millis(5));
        assert_eq!(clock.elapsed(), Duration::ZERO);
        clock.advance(Duration::from_secs(2));
        assert_eq!((clock.now(), clock.elapsed()), (Timestamp::from_unix_millis(2005), Duration::from_secs(2)));
    }
}
