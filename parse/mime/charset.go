package mime

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	textunicode "golang.org/x/text/encoding/unicode"
)

// utf8 makes UTF-8 of a text, and warns where it is not what it is declared
// to be.
func (r *reader) utf8(b []byte, declared, what string) (text, applied string) {
	text, applied, flaw := toUTF8(b, declared)
	if flaw != "" {
		r.warn.Add("the %s %s", what, flaw)
	}
	return text, applied
}

// toUTF8 makes valid UTF-8 of text, whatever its bytes are: by the charset
// that is declared for it, else as UTF-8, else by what it looks like, else as
// windows-1252, which has a character for each byte. It gives the charset
// that was applied; flaw says what is wrong, of the text.
func toUTF8(b []byte, declared string) (text, applied, flaw string) {
	declared = strings.ToLower(strings.Trim(declared, " \t'"))
	var enc encoding.Encoding
	name := "utf-8"
	switch declared {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	default:
		if enc, name = lookup(declared); enc == nil {
			text, applied, _ = toUTF8(b, "")
			return text, applied, "is in " + Quote(declared) + ", which is unknown, and was read as " + applied
		}
	}
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) && utf8.Valid(b):
		return string(b[3:]), "utf-8", ""
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return decoded(textunicode.UTF16(textunicode.LittleEndian, textunicode.UseBOM), b), "utf-16", ""
	}
	if name != "utf-8" {
		text, fit := declaredText(b, enc, name)
		switch {
		case fit == exact:
			return text, name, ""
		case fit == damaged && !utf8.Valid(b):
			return text, name, "is not all " + Quote(declared) + ", it has bad bytes"
		}
	}
	text, applied = undeclaredText(b)
	switch {
	case name == "utf-8" && applied == name && utf8.Valid(b):
		return text, applied, ""
	case applied == "utf-8" && !utf8.Valid(b):
		flaw = "UTF-8 with bad bytes"
	case applied == "utf-8":
		flaw = "UTF-8"
	default:
		flaw = applied
	}
	if declared == "" {
		declared = "utf-8"
	}
	return text, applied, "is not " + Quote(declared) + ", it was read as " + flaw
}

// How well text fits the charset that is declared for it.
const (
	exact = iota
	damaged
	wrong
)

// minSequences is from how many characters beyond ASCII on a text that is
// valid as UTF-8 is not in a charset of two bytes a character: of such texts
// with that many, in Chinese, one in thirty thousand is.
const minSequences = 6

// declaredText applies a charset that is declared.
func declaredText(b []byte, enc encoding.Encoding, name string) (text string, fit int) {
	utf16, escapes := strings.HasPrefix(name, "utf-16"), name == "iso-2022-jp" || name == "hz-gb-2312"
	if isASCII(b) && !utf16 && !escapes {
		return string(b), exact
	}
	if utf8.Valid(b) {
		_, singleByte := enc.(*charmap.Charmap)
		switch {
		case singleByte:
			// A relay has recoded the body and left the header. That a text in
			// such a charset is UTF-8 by chance needs pairs of characters that
			// no language has.
			return "", wrong
		case utf16 && bytes.IndexByte(b, 0) < 0:
			return "", wrong // without NUL it has no line end and no label either
		case !utf16 && !escapes && beyondASCII(b) >= minSequences:
			return "", wrong
		}
	}
	text = decoded(enc, b)
	bad := strings.Count(text, "\ufffd")
	switch {
	case bad == 0:
		return text, exact
	case beyondASCII([]byte(text)) >= 2*bad:
		return text, damaged
	}
	return text, wrong
}

// undeclaredText reads what has no charset, or another one.
func undeclaredText(b []byte) (text, applied string) {
	if bytes.Contains(b, []byte("\x1b$")) {
		// The escapes of ISO-2022-JP are control characters of ASCII, so this
		// is UTF-8 too; no text has them otherwise.
		if text := decoded(japanese.ISO2022JP, b); !strings.Contains(text, "\ufffd") {
			return text, "iso-2022-jp"
		}
	}
	switch {
	case utf8.Valid(b):
		return string(b), "utf-8"
	case mostlyUTF8(b):
		return strings.ToValidUTF8(string(b), "\ufffd"), "utf-8"
	}
	if enc, name := detect(b); enc != nil {
		return decoded(enc, b), name
	}
	return decoded(charmap.Windows1252, b), "windows-1252"
}

// mostlyUTF8 tells UTF-8 with a damaged byte from another charset: no fewer
// sound characters beyond ASCII than unsound bytes.
func mostlyUTF8(b []byte) bool {
	sound, bad := 0, 0
	for len(b) > 0 {
		r, width := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && width == 1:
			bad++
		case width > 1:
			sound++
		}
		b = b[width:]
	}
	return sound >= bad
}

// detectable are the charsets that detection may find, by the names that it
// has for them, and what is applied: the superset that Windows uses.
var detectable = map[string]string{
	"Shift_JIS": "shift_jis", "EUC-JP": "euc-jp", "EUC-KR": "euc-kr", "GB18030": "gb18030", "Big5": "big5",
	"windows-1251": "windows-1251", "KOI8-R": "koi8-r", "ISO-8859-7": "windows-1253", "windows-1253": "windows-1253",
	"ISO-8859-8": "windows-1255", "ISO-8859-8-I": "windows-1255", "windows-1255": "windows-1255",
}

const (
	// minConfidence is, of 100, where detection is right in 95 of 100 cases
	// that it decides, measured on alerts in which a name or two are not
	// English. It does not decide between Western and Central European
	// charsets.
	minConfidence = 10
	maxSample     = 16 << 10
	minSample     = 512
)

// detect guesses a charset from how often characters occur. There is none
// when that is not clear. The guess takes a hundred times as long as the rest,
// and is left out where each character beyond ASCII stands alone: so they do
// in Western text, and in none of the charsets that can be found.
func detect(b []byte) (enc encoding.Encoding, name string) {
	run := longestRun(b)
	if run < 2 {
		return nil, ""
	}
	at := bytes.IndexFunc(b, func(c rune) bool { return c >= utf8.RuneSelf })
	sample := b[max(0, at-64):]
	sample = sample[:min(len(sample), maxSample)]
	found, err := chardet.NewTextDetector().DetectBest(foreignWords(sample))
	if err != nil || found.Confidence < minConfidence {
		return nil, ""
	}
	name = detectable[found.Charset]
	if name == "" {
		return nil, ""
	}
	enc, name = lookup(name)
	if _, singleByte := enc.(*charmap.Charmap); singleByte && run < minWord {
		return nil, "" // "åäö" is a word of Cyrillic letters too, and Western
	}
	if strings.Count(decoded(enc, sample), "\ufffd") > 1 { // the sample may end within a character
		return nil, ""
	}
	return enc, name
}

// foreignWords are the words of a text that hold bytes beyond ASCII, again
// and again until there are enough of them to count.
func foreignWords(b []byte) []byte {
	var words []byte
	for word := range bytes.FieldsFuncSeq(b, func(r rune) bool { return r <= ' ' || r == ':' }) {
		if longestRun(word) > 0 {
			words = append(append(words, word...), ' ')
		}
	}
	for once := len(words); once > 0 && len(words) < minSample; {
		words = append(words, words[:once]...)
	}
	return words
}

// minWord is how many letters beyond ASCII in a row no Western word has.
const minWord = 4

// longestRun gives how many bytes beyond ASCII stand side by side, at most.
func longestRun(b []byte) int {
	longest, run := 0, 0
	for _, c := range b {
		if run++; c < utf8.RuneSelf {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// lookup finds a charset by its name, as browsers understand it: what is
// called iso-8859-1 or gb2312 is in fact the superset of Windows.
func lookup(label string) (enc encoding.Encoding, name string) {
	switch label {
	case "cp932":
		label = "shift_jis"
	case "cp936", "windows-936", "ms936":
		label = "gbk"
	case "cp949", "ms949":
		label = "euc-kr"
	case "cp950", "ms950":
		label = "big5"
	case "unicode": // what Windows calls it
		label = "utf-16le"
	}
	if enc, err := htmlindex.Get(label); err == nil && enc != encoding.Replacement {
		name, err := htmlindex.Name(enc)
		if err == nil && name != "replacement" && name != "x-user-defined" {
			return enc, name
		}
	}
	if enc, err := ianaindex.MIME.Encoding(label); err == nil && enc != nil && enc != encoding.Replacement {
		return enc, label
	}
	return nil, ""
}

// metaCharset gives the charset that an HTML text declares for itself.
func metaCharset(content []byte) string {
	head := content[:min(len(content), 1024)]
	if utf8.Valid(content) || !bytes.Contains(bytes.ToLower(head), []byte("charset")) {
		return ""
	}
	_, name, _ := charset.DetermineEncoding(head, "")
	return name
}

// decoded applies a charset. What it does not have becomes U+FFFD.
func decoded(enc encoding.Encoding, b []byte) string {
	text, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		// These decoders replace what they cannot decode; should one fail all
		// the same, the bytes must still end as text.
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return strings.ToValidUTF8(string(text), "\ufffd")
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// beyondASCII counts the characters of a text in UTF-8 that ASCII has not.
func beyondASCII(b []byte) int {
	n := 0
	for _, c := range b {
		if c >= 0xc0 { // the first byte of one
			n++
		}
	}
	return n
}
