// The sum of the squares of 1 to n, in parts: each part is a call of this same program, entered at `part`.
use faaslet::{chain_entry, input, set_header, set_output};

const PARTS: u64 = 8;

extern "C" fn part() -> i32 {
    let bytes = input();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let sum: u64 = (number(0)..number(8)).map(|at| at * at).sum();
    set_output(&sum.to_le_bytes());
    0
}

fn main() {
    let text = String::from_utf8(input()).unwrap();
    let n: u64 = text.trim().parse().unwrap_or(0);
    let calls: Vec<_> = (0..PARTS)
        .map(|at| {
            let (from, to) = (n * at / PARTS + 1, n * (at + 1) / PARTS + 1);
            chain_entry(part, &[from.to_le_bytes(), to.to_le_bytes()].concat())
        })
        .collect();
    let mut sum = 0;
    for call in calls {
        let (value, output) = call.output();
        assert_eq!(value, 0, "a part failed");
        sum += u64::from_le_bytes(output.try_into().unwrap());
    }
    set_header("content-type", "text/plain").unwrap();
    set_output(format!("{sum}\n").as_bytes());
}
