//! Jobs that no thread has taken, by turns: a function whose calls wait by the hundred delays another's first call by one of
//! them, not by all.

use std::collections::{HashMap, VecDeque};

use super::Job;

/// Functions whose place is kept although none of their jobs waits, so that a place is not made anew for each job.
const EMPTY_MAX: usize = 256;

/// Within a function in the order in which they came.
pub struct Jobs<T = Job> {
    /// By the function's id.
    lanes: HashMap<u32, VecDeque<T>>,
    /// Functions with jobs, the next one in front.
    turns: VecDeque<u32>,
    count: usize,
}

impl<T> Default for Jobs<T> {
    fn default() -> Self {
        Self { lanes: HashMap::new(), turns: VecDeque::new(), count: 0 }
    }
}

impl<T> Jobs<T> {
    pub fn push(&mut self, function: u32, job: T) {
        let lane = self.lanes.entry(function).or_default();
        if lane.is_empty() {
            self.turns.push_back(function);
        }
        lane.push_back(job);
        self.count += 1;
    }

    pub fn pop(&mut self) -> Option<T> {
        let function = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&function)?;
        let job = lane.pop_front();
        self.count -= usize::from(job.is_some());
        if !lane.is_empty() {
            self.turns.push_back(function);
        } else if self.lanes.len() > EMPTY_MAX {
            self.lanes.remove(&function);
        }
        job
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_take_turns_and_their_jobs_keep_their_order() {
        let mut jobs = Jobs::default();
        for number in 0..5 {
            jobs.push(1, (1, number));
        }
        jobs.push(2, (2, 0));
        jobs.push(3, (3, 0));
        jobs.push(2, (2, 1));
        assert_eq!(jobs.len(), 8);
        let order: Vec<_> = std::iter::from_fn(|| jobs.pop()).collect();
        assert_eq!(order, [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2), (1, 3), (1, 4)]);
        assert!(jobs.is_empty() && jobs.pop().is_none());
    }

    #[test]
    fn one_that_comes_late_waits_for_one_job_of_each_other() {
        let mut jobs = Jobs::default();
        for function in 0..3 {
            for _ in 0..1000 {
                jobs.push(function, function);
            }
        }
        jobs.pop();
        jobs.push(7, 7);
        let waited = std::iter::from_fn(|| jobs.pop()).take_while(|function| *function != 7).count();
        assert_eq!(waited, 3);
        assert_eq!(jobs.len(), 3001 - 5);
    }

    #[test]
    fn places_of_functions_without_jobs_are_bounded() {
        let mut jobs = Jobs::default();
        for function in 0..10_000 {
            jobs.push(function, ());
            assert_eq!(jobs.pop(), Some(()));
        }
        assert!(jobs.lanes.len() <= EMPTY_MAX + 1);
    }
}
