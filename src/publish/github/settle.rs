//! Writes that are sent once, looked for, and only then sent again.

use crate::forge::ForgeError;

/// How often a write is sent whose outcome stays unclear.
const MOST_WRITES: u32 = 3;

/// Makes sure that something exists: looks for it, makes it, and after an unclear end or a refusal looks again.
///
/// A refusal often means that another runner was faster. The client's time-out is longer than the ten seconds after which
/// GitHub itself gives a request up, so that what was not there when it was looked for does not come later.
pub(super) async fn ensure<T>(
    look: impl AsyncFn() -> Result<Option<T>, ForgeError>,
    make: impl AsyncFn() -> Result<T, ForgeError>,
) -> Result<T, ForgeError> {
    let mut writes = 0;
    let mut last: Option<ForgeError> = None;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        match last.take() {
            Some(error) if error.is_refused() || writes >= MOST_WRITES => return Err(error),
            _ => {}
        }
        writes += 1;
        match make().await {
            Ok(made) => return Ok(made),
            Err(error) if error.is_unclear() || error.is_refused() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
}

/// Sends something again after an unclear end that may be done twice without anybody noticing: objects without a name,
/// labels, reactions, the same text in the same place.
pub(super) async fn repeat<T>(make: impl AsyncFn() -> Result<T, ForgeError>) -> Result<T, ForgeError> {
    for _ in 1..MOST_WRITES {
        match make().await {
            Err(error) if error.is_unclear() => {}
            other => return other,
        }
    }
    make().await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn unclear() -> ForgeError {
        ForgeError::Unclear { call: "POST /x".to_owned(), why: "cut".to_owned() }
    }

    fn refused() -> ForgeError {
        ForgeError::Refused { call: "POST /x".to_owned(), status: 422, message: "exists".to_owned() }
    }

    /// Plays looks and writes, and tells how often each was done.
    async fn check(
        looks: Vec<Option<u8>>,
        makes: Vec<Result<u8, ForgeError>>,
        expected: Option<u8>,
        counts: (usize, usize),
    ) {
        let (all, most) = (looks.len(), makes.len());
        let (looks, makes) = (RefCell::new(looks), RefCell::new(makes));
        let look = async || Ok(looks.borrow_mut().remove(0));
        let make = async || makes.borrow_mut().remove(0);
        let outcome = ensure(look, make).await;
        assert_eq!(outcome.ok(), expected);
        assert_eq!((all - looks.borrow().len(), most - makes.borrow().len()), counts);
    }

    #[tokio::test]
    async fn nothing_is_made_twice() {
        check(vec![Some(1)], vec![], Some(1), (1, 0)).await;
        check(vec![None], vec![Ok(2)], Some(2), (1, 1)).await;
        check(vec![None, Some(3)], vec![Err(unclear())], Some(3), (2, 1)).await;
        check(vec![None, None], vec![Err(unclear()), Ok(4)], Some(4), (2, 2)).await;
        check(vec![None, Some(5)], vec![Err(refused())], Some(5), (2, 1)).await;
        check(vec![None, None], vec![Err(refused())], None, (2, 1)).await;
        check(vec![None; 4], vec![Err(unclear()), Err(unclear()), Err(unclear())], None, (4, 3)).await;
    }

    #[tokio::test]
    async fn what_may_be_done_twice_is_sent_three_times_at_most() {
        let sent = RefCell::new(0);
        let make = async || {
            *sent.borrow_mut() += 1;
            Err::<(), _>(unclear())
        };
        assert!(repeat(make).await.is_err());
        assert_eq!(*sent.borrow(), 3);
    }
}
