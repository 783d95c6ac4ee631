use super::*;
use std::sync::Mutex;
use std::time::Instant;
#[test]
#[ignore]
fn perf() {
    let directory = TempDir::new_in("/tmp").unwrap();
    let t = Instant::now();
    let log = SegmentLog::open(directory.path(), CLUSTER, NODE).unwrap();
    eprintln!("open new {:?}", t.elapsed());
    let next = Mutex::new(0u64);
    for clients in [1usize, 16, 64, 256] {
        let start = Instant::now();
        let n0 = *next.lock().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    while start.elapsed().as_secs() < 3 {
                        let (tx, rx) = std::sync::mpsc::sync_channel(1);
                        {
                            let mut n = next.lock().unwrap();
                            log.append(vec![entry(1, *n, &[7; 400])], Box::new(move |r| drop(tx.send(r))));
                            *n += 1;
                        }
                        rx.recv().unwrap().unwrap();
                    }
                });
            }
        });
        let n = *next.lock().unwrap() - n0;
        eprintln!("{clients} clients: {} entries/s", n as f64 / start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    let mut at = *next.lock().unwrap();
    let n = 400_000;
    for _ in 0..n / 50 {
        let batch: Vec<_> = (at..at + 50).map(|i| entry(1, i, &[7; 400])).collect();
        log.append(batch, Box::new(|_| ()));
        at += 50;
    }
    append(&log, vec![entry(1, at, b"")]).unwrap();
    eprintln!("bulk: {} entries/s", n as f64 / start.elapsed().as_secs_f64());
    let bytes = log.state().bytes;
    let t = Instant::now();
    drop(log);
    eprintln!("close {:?}", t.elapsed());
    let t = Instant::now();
    let log = SegmentLog::open(directory.path(), CLUSTER, NODE).unwrap();
    eprintln!("reopen {} MiB {:?}", bytes >> 20, t.elapsed());
    let t = Instant::now();
    let mut i = 0; 
    loop { let v = log.read(i..i+1_000_000, 4 << 20).unwrap(); if v.is_empty() {break} i += v.len() as u64; }
    eprintln!("read all {} {:?}", i, t.elapsed());
    let t = Instant::now();
    log.purge(id(1, at)).unwrap();
    eprintln!("purge {:?}", t.elapsed());
    let t = Instant::now();
    save_vote(&log, vote(3)).unwrap();
    eprintln!("vote after purge {:?}", t.elapsed());
}
