//! What the network needs of the rest of the program: a guest's thread asks, and waits for the answer.

use std::net::IpAddr;
use std::sync::Arc;

use faaslet_wasi::{ClientConfig, Ended, Errno, Failure, NoAddress, Outside, trust};

use crate::slow::{Answer, NUMBERS, Operation, SlowCalls};

/// A call's way to whoever answers; an initialiser has none.
pub struct Asked<'a>(pub &'a mut Option<SlowCalls>);

impl Asked<'_> {
    /// The inner error is of whoever answers.
    fn ask(&mut self, operation: Operation, text: &str) -> Result<Option<Answer>, Ended> {
        let slow = self.0.as_mut().ok_or(Ended::Unanswered)?;
        let Ok(ticket) = slow.ask(operation, [0; NUMBERS], text.as_bytes().to_vec(), Vec::new()) else {
            return Ok(None);
        };
        match slow.answer(ticket, None) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => error.downcast_ref::<Ended>().map_or(Ok(None), |ended| Err(*ended)),
        }
    }
}

impl Outside for Asked<'_> {
    fn addresses(&mut self, name: &str) -> Result<Vec<IpAddr>, NoAddress> {
        let answer = self.ask(Operation::Resolve, name).map_err(NoAddress::Ended)?.ok_or(NoAddress::Broken)?;
        match answer.value {
            0 => Ok(String::from_utf8_lossy(&answer.bytes).lines().filter_map(|line| line.parse().ok()).collect()),
            1 => Err(NoAddress::Unknown),
            _ => Err(NoAddress::Broken),
        }
    }

    fn trust(&mut self) -> Result<Arc<ClientConfig>, Failure> {
        if let Some(known) = self.0.as_ref().and_then(|slow| slow.trust.get()) {
            return Ok(known.clone());
        }
        let answer = self.ask(Operation::Roots, "")?.ok_or(Errno::Again)?;
        let made = trust(&answer.bytes).map_err(|_| Errno::Io)?;
        // Whoever was first has it right for all.
        Ok(match self.0.as_ref() {
            Some(slow) => slow.trust.get_or_init(|| made).clone(),
            None => made,
        })
    }
}
