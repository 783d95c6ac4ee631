//! Looks for plaintext where only ciphertext may be.
//!
//! A needle is searched for as it is and in the forms that a careless line of code would give it: base64 in both
//! alphabets and at each of the three alignments, hexadecimal in both cases, UTF-16 in both byte orders. File names
//! are searched too.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Fewest bytes of a needle: a shorter one is found by chance.
pub const NEEDLE_BYTES: usize = 12;

/// Bytes that are read at once.
const WINDOW_BYTES: usize = 1 << 20;

/// What a page of a preallocated file holds.
static PAGE: [u8; 4096] = [0; 4096];

/// How a needle was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Raw,
    /// Base64, at one of three alignments.
    Base64,
    /// Base64 with the URL alphabet, at one of three alignments.
    Base64Url,
    /// Hexadecimal, lower case.
    HexLower,
    /// Hexadecimal, upper case.
    HexUpper,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// As it is, in the path of a file.
    FileName,
}

/// One place where a needle was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The first byte of the match.
    pub offset: u64,
    /// Which needle, by its label.
    pub label: String,
    /// How it was written.
    pub form: Form,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {:?} in {} at byte {}", self.label, self.form, self.file.display(), self.offset)
    }
}

/// What a scan has looked at and found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Files that were read.
    pub files: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// What was found, by file and offset.
    pub findings: Vec<Finding>,
}

/// A set of needles.
#[derive(Debug)]
pub struct Canary {
    needles: Vec<(String, Vec<u8>)>,
    /// The needle and the form of each pattern.
    patterns: Vec<(usize, Form)>,
    automaton: AhoCorasick,
    longest: usize,
}

impl Canary {
    /// Makes a scanner for labelled needles. Reports name the label, never the needle.
    ///
    /// # Errors
    /// When a needle is shorter than [`NEEDLE_BYTES`].
    pub fn new<L: Into<String>, N: AsRef<[u8]>>(needles: impl IntoIterator<Item = (L, N)>) -> Result<Self> {
        let needles: Vec<(String, Vec<u8>)> =
            needles.into_iter().map(|(label, needle)| (label.into(), needle.as_ref().to_vec())).collect();
        let mut patterns = Vec::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for (index, (label, needle)) in needles.iter().enumerate() {
            ensure!(needle.len() >= NEEDLE_BYTES, "the needle {label} is too short to be told from chance");
            for (form, text) in forms(needle) {
                patterns.push((index, form));
                texts.push(text);
            }
        }
        let longest = texts.iter().map(Vec::len).max().unwrap_or(1);
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&texts)?;
        Ok(Self { needles, patterns, automaton, longest })
    }

    /// Searches files and, below directories, every file. Symbolic links are not followed.
    ///
    /// # Errors
    /// When something cannot be read; a file that vanishes meanwhile is skipped.
    pub fn scan<P: AsRef<Path>>(&self, roots: impl IntoIterator<Item = P>) -> Result<Scan> {
        let mut scan = Scan::default();
        let mut waiting: Vec<PathBuf> = roots.into_iter().map(|root| root.as_ref().to_owned()).collect();
        while let Some(path) = waiting.pop() {
            let Some(metadata) = existing(fs::symlink_metadata(&path), &path)? else { continue };
            self.scan_name(&path, &mut scan);
            if metadata.is_dir() {
                let Some(entries) = existing(fs::read_dir(&path), &path)? else { continue };
                for entry in entries {
                    waiting.push(entry?.path());
                }
            } else if metadata.is_file() {
                let Some(file) = existing(File::open(&path), &path)? else { continue };
                self.scan_file(file, &path, &mut scan).with_context(|| format!("cannot read {}", path.display()))?;
            }
        }
        scan.findings.sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
        Ok(scan)
    }

    fn scan_name(&self, path: &Path, scan: &mut Scan) {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        for found in self.automaton.find_overlapping_iter(name) {
            let (needle, _) = self.patterns[found.pattern().as_usize()];
            scan.findings.push(self.finding(path, 0, needle, Form::FileName));
        }
    }

    fn scan_file(&self, mut file: File, path: &Path, scan: &mut Scan) -> Result<()> {
        scan.files += 1;
        let mut window: Vec<u8> = Vec::with_capacity(WINDOW_BYTES + self.longest);
        // How many bytes of the window were searched before, and where the window begins in the file.
        let (mut kept, mut start) = (0, 0u64);
        loop {
            let read = file.by_ref().take(WINDOW_BYTES as u64).read_to_end(&mut window)?;
            if read == 0 {
                return Ok(());
            }
            scan.bytes += read as u64;
            // Preallocated logs are mostly zeros.
            if window.chunks(PAGE.len()).any(|page| *page != PAGE[..page.len()]) {
                for found in self.automaton.find_overlapping_iter(&window).filter(|found| found.end() > kept) {
                    let (needle, form) = self.patterns[found.pattern().as_usize()];
                    scan.findings.push(self.finding(path, start + found.start() as u64, needle, form));
                }
            }
            let searched = window.len() - window.len().min(self.longest - 1);
            window.drain(..searched);
            start += searched as u64;
            kept = window.len();
        }
    }

    fn finding(&self, file: &Path, offset: u64, needle: usize, form: Form) -> Finding {
        Finding { file: file.to_owned(), offset, label: self.needles[needle].0.clone(), form }
    }
}

/// Every way in which the needle is searched for.
fn forms(needle: &[u8]) -> Vec<(Form, Vec<u8>)> {
    let lower = hex::encode(needle);
    let mut all = vec![
        (Form::Raw, needle.to_vec()),
        (Form::HexUpper, lower.to_uppercase().into_bytes()),
        (Form::HexLower, lower.into_bytes()),
    ];
    for alignment in 0..3 {
        all.push((Form::Base64, base64_core(&STANDARD_NO_PAD, needle, alignment)));
        all.push((Form::Base64Url, base64_core(&URL_SAFE_NO_PAD, needle, alignment)));
    }
    if let Ok(text) = std::str::from_utf8(needle) {
        all.push((Form::Utf16Le, text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        all.push((Form::Utf16Be, text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
    }
    // An alphabet or a case that makes no difference would count each place twice.
    let mut distinct: Vec<(Form, Vec<u8>)> = Vec::new();
    for (form, text) in all {
        if distinct.iter().all(|(_, known)| *known != text) {
            distinct.push((form, text));
        }
    }
    distinct
}

/// The characters of base64 that depend on the needle alone when `alignment` bytes stand before it in its group.
fn base64_core(engine: &impl Engine, needle: &[u8], alignment: usize) -> Vec<u8> {
    let shifted = [vec![0; alignment], needle.to_vec()].concat();
    let text = engine.encode(&shifted).into_bytes();
    // Of the first group 8 bits a byte before the needle are foreign; a last group that is not full is mixed with
    // what follows in its last character.
    let from = (alignment * 8).div_ceil(6);
    let to = shifted.len() * 8 / 6;
    text.get(from..to).unwrap_or_default().to_vec()
}

fn existing<T>(result: std::io::Result<T>, path: &Path) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its base64 has characters of both alphabets.
    const NEEDLE: &[u8] = b"canary~~~\xff\xfe\xfb-4711-????";

    fn findings(content: &[u8]) -> Vec<(u64, Form)> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("below")).unwrap();
        fs::write(dir.path().join("below/file"), content).unwrap();
        let canary = Canary::new([("value", NEEDLE)]).unwrap();
        let scan = canary.scan([dir.path()]).unwrap();
        assert_eq!((scan.files, scan.bytes), (1, content.len() as u64));
        scan.findings.iter().map(|finding| (finding.offset, finding.form)).collect()
    }

    #[test]
    fn a_file_without_the_needle_is_clean() {
        assert_eq!(findings(&vec![0; 3 * WINDOW_BYTES + 5]), []);
        assert_eq!(findings(&NEEDLE[1..]), []);
        assert_eq!(findings(b""), []);
    }

    #[test]
    fn the_needle_is_found_raw_and_in_hexadecimal() {
        let second = (3 + NEEDLE.len() + 3) as u64;
        assert_eq!(findings(&[b"abc", NEEDLE, b"xyz", NEEDLE].concat()), [(3, Form::Raw), (second, Form::Raw)]);
        let lower = hex::encode(NEEDLE);
        assert_eq!(findings(format!("0:{lower}").as_bytes()), [(2, Form::HexLower)]);
        assert_eq!(findings(lower.to_uppercase().as_bytes()), [(0, Form::HexUpper)]);
    }

    #[test]
    fn the_needle_is_found_in_base64_wherever_it_stands() {
        for before in 0..9 {
            for after in 0..4 {
                let whole = [vec![b'<'; before], NEEDLE.to_vec(), vec![b'>'; after]].concat();
                let standard = findings(STANDARD_NO_PAD.encode(&whole).as_bytes());
                assert!(matches!(standard[..], [(_, Form::Base64)]), "{before} {after} {standard:?}");
                let url = findings(URL_SAFE_NO_PAD.encode(&whole).as_bytes());
                assert!(matches!(url[..], [(_, Form::Base64Url)]), "{before} {after} {url:?}");
            }
        }
    }

    #[test]
    fn the_needle_is_found_in_utf_16() {
        let canary = Canary::new([("name", "a/name/that/is/long")]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("text");
        for (form, bytes) in [
            (Form::Utf16Le, "x a/name/that/is/long".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
            (Form::Utf16Be, "x a/name/that/is/long".encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ] {
            fs::write(&file, bytes).unwrap();
            let scan = canary.scan([&file]).unwrap();
            // ASCII in one byte order reads as the other one byte beside it.
            let expected = Finding { file: file.clone(), offset: 4, label: "name".into(), form };
            assert!(scan.findings.contains(&expected), "{:?}", scan.findings);
        }
    }

    #[test]
    fn the_needle_is_found_across_windows_once() {
        for back in 0..=NEEDLE.len() {
            let mut content = vec![0; WINDOW_BYTES - back];
            content.extend_from_slice(NEEDLE);
            content.resize(2 * WINDOW_BYTES + 7, 0);
            assert_eq!(findings(&content), [((WINDOW_BYTES - back) as u64, Form::Raw)], "{back}");
        }
    }

    #[test]
    fn the_name_of_a_file_is_searched_too() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x-payroll-password-x"), b"").unwrap();
        let scan = Canary::new([("name", "payroll-password")]).unwrap().scan([dir.path()]).unwrap();
        assert!(matches!(&scan.findings[..], [Finding { form: Form::FileName, .. }]));
    }

    #[test]
    fn a_needle_that_chance_could_write_is_refused() {
        assert!(Canary::new([("value", "hunter2")]).is_err());
    }
}
