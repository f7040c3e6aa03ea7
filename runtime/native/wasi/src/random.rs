//! Random bytes from the kernel: nothing that a snapshot could freeze. Programs draw a few at a time, and asking the kernel
//! costs more than they do: a thread asks for some in advance, gives each away once, and keeps no copy.

use std::cell::RefCell;

/// Asked for at once.
const STOCK: usize = 1024;
/// More than this is asked for as it is.
pub const SMALL: usize = 128;

struct Stock {
    bytes: [u8; STOCK],
    /// How many were given away; they are zero.
    used: usize,
}

thread_local! {
    static OF_THREAD: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; STOCK], used: STOCK }) };
}

/// Fills `to` with bytes that nobody else gets.
pub fn fill(to: &mut [u8]) -> Result<(), getrandom::Error> {
    if to.len() > SMALL {
        return getrandom::fill(to);
    }
    OF_THREAD.with_borrow_mut(|stock| {
        if STOCK - stock.used < to.len() {
            // Spent unless the kernel gives all of it.
            stock.used = STOCK;
            getrandom::fill(&mut stock.bytes)?;
            stock.used = 0;
        }
        let given = &mut stock.bytes[stock.used..stock.used + to.len()];
        to.copy_from_slice(given);
        given.fill(0);
        stock.used += to.len();
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_byte_is_given_twice_on_any_thread_and_what_was_given_is_forgotten() {
        let draw = || {
            let mut drawn = Vec::new();
            for length in (1..=SMALL + 1).cycle().take(2_000) {
                let mut bytes = vec![0; length];
                fill(&mut bytes).unwrap();
                drawn.push(bytes);
            }
            OF_THREAD.with_borrow(|stock| assert!(stock.bytes[..stock.used].iter().all(|byte| *byte == 0)));
            drawn
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let drawn: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        // Sixteen bytes never meet by chance.
        let long: Vec<_> = drawn.iter().filter(|bytes| bytes.len() >= 16).collect();
        let different: HashSet<_> = long.iter().map(|bytes| &bytes[..16]).collect();
        assert_eq!(different.len(), long.len());
        let ones: u32 = drawn.iter().flatten().map(|byte| byte.count_ones()).sum();
        let bits = drawn.iter().map(Vec::len).sum::<usize>() as f64 * 8.0;
        assert!((f64::from(ones) / bits - 0.5).abs() < 0.01, "no stretch of it is zero");
    }
}
