// survey.c in Rust.
use std::collections::hash_map::RandomState;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant, SystemTime};

fn show(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    format!("{} bytes, sum {sum}", bytes.len())
}

fn first_line(path: &str) -> String {
    match fs::read_to_string(path) {
        Ok(text) => text.lines().next().unwrap_or("").to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => "absent".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn try_clocks() -> &'static str {
    let (first, second) = (Instant::now(), Instant::now());
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if second >= first && wall > 1_704_067_200 { "ok" } else { "wrong" }
}

fn try_poll() -> &'static str {
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(3));
    if before.elapsed() >= Duration::from_millis(3) { "ok" } else { "woke too early" }
}

fn main() -> io::Result<()> {
    let arguments: String = std::env::args().skip(1).map(|argument| format!(" [{argument}]")).collect();
    println!("arguments:{arguments}");
    let variable = |name| std::env::var(name).unwrap_or_default();
    println!("environment: [{}] [{}]", variable("A"), variable("B"));
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    println!("stdin: {}", show(&input));
    println!("text: {}", first_line("/data/greeting.txt"));
    println!("bytes: {}", show(&fs::read("/data/deep/down/bytes.bin")?));
    let entries = fs::read_dir("/data")?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = entries.collect::<io::Result<Vec<String>>>()?;
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    println!("list: {}", names.join(" "));
    println!("missing: {}", first_line("/data/none"));
    println!("before: {}", first_line("/scratch/note.txt"));
    fs::create_dir("/scratch")?;
    fs::write("/scratch/note.txt", "noted\n")?;
    println!("after: {}", first_line("/scratch/note.txt"));
    OpenOptions::new().append(true).open("/data/deep/down/bytes.bin")?.write_all(b"more")?;
    println!("appended: {}", show(&fs::read("/data/deep/down/bytes.bin")?));
    println!("clocks: {}\npoll: {}\nrandom: ok", try_clocks(), try_poll());
    // The standard library's only door to chance: the keys of its hash maps.
    let nonce = || RandomState::new().build_hasher().finish();
    println!("nonce: {:016x}{:016x}", nonce(), nonce());
    eprintln!("surveyed");
    let code = String::from_utf8_lossy(&input).lines().next().and_then(|line| line.parse().ok()).unwrap_or(0);
    std::process::exit(code)
}
