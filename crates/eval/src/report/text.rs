//! Text for a page: escaped, with numbers as people read them.

/// Text that HTML and SVG show as it is, also inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A number in 0..1 with three digits; a dash for none.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.3}"))
}

/// A time with a unit that suits it.
pub(super) fn duration(secs: f64) -> String {
    match secs {
        secs if secs < 1e-3 => format!("{:.0} µs", secs * 1e6),
        secs if secs < 1.0 => format!("{:.0} ms", secs * 1e3),
        secs => format!("{secs:.2} s"),
    }
}

/// Memory in binary units.
pub(super) fn memory(bytes: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    match bytes as f64 / MIB {
        mib if mib < 1024.0 => format!("{mib:.0} MiB"),
        mib => format!("{:.1} GiB", mib / 1024.0),
    }
}

/// Bytes as RFC 4648 writes them in text, section 4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for letter in 0..4 {
            let index = (bits >> (18 - 6 * letter)) & 63;
            // Three bytes are four letters, two are three, one is two.
            let is_padding = letter > group.len();
            text.push(if is_padding { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(
            escape(r#"<a href="x">'&'</a>"#),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"
        );
    }

    #[test]
    fn units_suit_the_size() {
        assert_eq!(duration(0.000_12), "120 µs");
        assert_eq!(duration(0.25), "250 ms");
        assert_eq!(duration(2.5), "2.50 s");
        assert_eq!(memory(300 << 20), "300 MiB");
        assert_eq!(memory(3 << 30), "3.0 GiB");
        assert_eq!(number(Some(0.12345)), "0.123");
        assert_eq!(number(None), "–");
    }
}
