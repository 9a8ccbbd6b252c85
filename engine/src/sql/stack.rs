//! Stack that suffices: a worker thread has two megabytes, and a deep tree of expressions needs more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::limit::STACK_BYTES;

/// Does `work` on a stack of its own wherever the thread's would not suffice.
pub(crate) fn deeply<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK_BYTES / 2, STACK_BYTES, work)
}

/// Does `future` on a stack of its own wherever the thread's would not suffice, its end included.
pub(crate) fn deep<F: Future>(future: F) -> Deep<F> {
    Deep(Some(Box::pin(future)))
}

/// A future that is polled and dropped on enough stack.
pub(crate) struct Deep<F: Future>(Option<Pin<Box<F>>>);

impl<F: Future> Future for Deep<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut self.0 {
            Some(future) => deeply(|| future.as_mut().poll(context)),
            None => Poll::Pending,
        }
    }
}

impl<F: Future> Drop for Deep<F> {
    fn drop(&mut self) {
        if let Some(future) = self.0.take() {
            deeply(|| drop(future));
        }
    }
}
