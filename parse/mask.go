package parse

import (
	"bytes"
	"fmt"
	"iter"
	stdmime "mime"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// mask replaces what a text says and keeps how it says it. An address has the
// same stand-in wherever it is found, so that what belonged together still
// does.
type mask struct {
	words *Vocabulary
	keep  map[string]bool // single words of SEPM's, folded
	v4    map[netip.Addr]string
	v6    map[netip.Addr]string
	// nested is how deep in escaped HTML the text is that is being masked.
	nested  int
	borders int // borders of parts that were given
}

func newMask(words *Vocabulary) *mask {
	m := &mask{words: words, keep: make(map[string]bool), v4: make(map[netip.Addr]string), v6: make(map[netip.Addr]string)}
	for label := range words.labels {
		m.keepWords(label)
	}
	for _, list := range words.sentences {
		for _, s := range list {
			m.keepWords(s)
		}
	}
	for _, k := range words.kinds {
		for _, pattern := range append(k.subjects[:len(k.subjects):len(k.subjects)], k.texts...) {
			m.keepWords(pattern)
		}
	}
	for action := range words.outcomes {
		if action[0] > '9' { // the codes are in many a name
			m.keepWords(action)
		}
	}
	for source := range words.sources {
		m.keepWords(source)
	}
	for word := range words.nothing {
		m.keepWords(word)
	}
	// The rest of the guide's subject, and what relays put before one.
	m.keepWords("machine infected with action re fw fwd aw wg tr external critical warning informational information alert reporter")
	return m
}

// keepWords keeps the words of a phrase wherever they stand.
func (m *mask) keepWords(phrase string) {
	for word := range strings.FieldsFuncSeq(phrase, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		m.keep[fold(word)] = true
	}
}

// text masks line by line. A blank line and the ends of lines stay.
func (m *mask) text(s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		content := strings.TrimRight(line, "\r\n")
		for i, cell := range strings.Split(content, "\t") {
			if i > 0 {
				out.WriteByte('\t')
			}
			out.WriteString(m.line(cell))
		}
		out.WriteString(line[len(content):])
	}
	return out.String()
}

// line masks a line or the cell of one, but not the label before a value.
func (m *mask) line(s string) string {
	start := len(s) - len(unquote(s))
	if p, ok := m.words.knownLabel(s[start:]); ok {
		at := len(s) - len(p.value)
		return s[:at] + m.value(p.field, s[at:])
	}
	if p, ok := unknownLabel(s[start:]); ok {
		at := start + strings.Index(s[start:], p.label) + len(p.label)
		return s[:at] + m.free(s[at:])
	}
	return m.free(s)
}

// value masks a value by what it is. What SEPM itself writes there stays.
func (m *mask) value(f field, s string) string {
	value := trimBlanks(s)
	switch f {
	case sourceField:
		if m.words.source(value) == "" {
			return m.free(s)
		}
		return s
	case riskField, actionField, directionField, protocolField, signatureField, signatureIDField:
		return s
	case eventTimeField, insertedField:
		if _, ok := m.words.moment(value); ok {
			return s
		}
	case userField:
		if m.words.isSystemAccount(value) {
			return s
		}
	}
	if m.words.isNothing(value) {
		return s
	}
	return m.shapes(s, func(word string) string { return maskWord(word) })
}

// free masks text without a label. Dates stay, and the words of SEPM's.
func (m *mask) free(s string) string {
	var out strings.Builder
	at := 0
	for _, found := range dateForm().FindAllStringIndex(s, -1) {
		out.WriteString(m.known(s[at:found[0]]) + s[found[0]:found[1]])
		at = found[1]
	}
	out.WriteString(m.known(s[at:]))
	return out.String()
}

func (m *mask) known(s string) string {
	return m.shapes(s, func(word string) string {
		if m.keep[fold(word)] {
			return word
		}
		return maskWord(word)
	})
}

// shapes masks addresses and hashes by others of their kind, and every other
// word by the function.
func (m *mask) shapes(s string, word func(string) string) string {
	return wordForm().ReplaceAllStringFunc(s, func(found string) string {
		if addr, err := netip.ParseAddr(found); err == nil {
			return m.address(addr)
		}
		if len(found) >= 32 && strings.Trim(strings.ToLower(found), "0123456789abcdef") == "" {
			return strings.Repeat("0a", len(found)/2+1)[:len(found)]
		}
		return letterForm().ReplaceAllStringFunc(found, word)
	})
}

// address gives an address of a documentation network (RFC 5737, RFC 3849).
// Those that name no other host stay.
func (m *mask) address(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if isNoHost(addr) {
		return addr.String()
	}
	known, form := m.v6, "2001:db8::%x"
	if addr.Is4() {
		known, form = m.v4, "192.0.2.%d"
		if len(known) >= 254 {
			form = "198.51.100.1" // more hosts than such a network has
		}
	}
	if known[addr] == "" {
		if known[addr] = form; strings.Contains(form, "%") {
			known[addr] = fmt.Sprintf(form, len(known))
		}
	}
	return known[addr]
}

// maskWord keeps length, case, and the script of a word, so that charsets and
// limits behave as they did.
func maskWord(word string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r) && r < 0x80:
			return '0'
		case r < 0x80 && unicode.IsUpper(r):
			return 'X'
		case r < 0x80:
			return 'x'
		case unicode.Is(unicode.Han, r):
			return '字'
		case unicode.Is(unicode.Katakana, r):
			return 'ア'
		case unicode.Is(unicode.Hiragana, r):
			return 'あ'
		case unicode.Is(unicode.Hangul, r):
			return '가'
		case unicode.Is(unicode.Cyrillic, r):
			return 'ж'
		case unicode.IsLetter(r) && !unicode.Is(unicode.Common, r):
			return 'é'
		}
		return r
	}, word)
}

// What is looked at as one: a run without blanks and brackets, which may be
// an address, and in it runs of letters and digits.
var (
	wordForm   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\p{L}\p{M}\p{N}:.%]*[\p{L}\p{M}\p{N}]`) })
	letterForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\p{L}\p{M}\p{N}]+`) })
	dateForm   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\b[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}(?:\.\d+)?(?:[ \x{202f}\x{a0}][AP]M)?(?: [A-Z]{3,4}\b)?`)
	})
)

// header masks a header. The fields that say how the mail is made stay, but
// for the border of its parts, in which some programs write their host's name.
func (m *mask) header(out *bytes.Buffer, header []byte, border string) {
	for name, value := range headerFields(header) {
		switch strings.ToLower(name) {
		case "":
			// The blank line, what is no field, or the first line of an mbox.
			rest, mbox := strings.CutPrefix(value, "From ")
			if mbox {
				out.WriteString("From ")
			}
			out.WriteString(m.shapes(rest, maskWord))
		case "date", "mime-version", "content-transfer-encoding", "x-mailer", "auto-submitted", "precedence", "x-priority", "importance":
			out.WriteString(name + ":" + value)
		case "content-type", "content-disposition":
			value = parameterForm().ReplaceAllString(value, `${1}"x"`)
			if border != "" {
				value = borderForm().ReplaceAllString(value, `${1}"`+border+`"`)
			}
			out.WriteString(name + ":" + value)
		case "subject":
			out.WriteString(name + ": " + m.subject(value, mime.Read([]byte("Subject:"+value+"\r\n")).Subject) + "\r\n")
		default:
			if len(name) > 2 && strings.EqualFold(name[:2], "x-") { // X-Example-Corporation-MailScanner
				name = m.known(name)
			}
			out.WriteString(name + ":" + m.shapes(value, maskWord))
		}
	}
}

// parameterForm finds names of files among the parameters of a header, and
// borderForm the border of parts.
var (
	parameterForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?is)(\b(?:file)?name\*?(?:\d+\*?)?\s*=\s*)(?:"(?:[^"\\]|\\.)*"|"[^"]*"|[^;\s]+)`)
	})
	borderForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(\bboundary\s*=\s*)(?:"[^"]*"|[^;\s]+)`)
	})
)

// subject masks a subject as it reads, and encodes it again if it was.
func (m *mask) subject(value, subject string) string {
	masked := m.known(subject)
	if strings.Contains(value, "=?") {
		return stdmime.QEncoding.Encode("utf-8", masked)
	}
	return masked
}

// headerFields gives the fields of a header with the lines that continue
// them, and the lines that are none under an empty name.
func headerFields(header []byte) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		name := ""
		start, at := 0, 0 // of the value, and of the line
		for line := range bytes.Lines(header) {
			next := at + len(line)
			if name != "" && (line[0] == ' ' || line[0] == '\t') {
				at = next
				continue
			}
			if start < at && !yield(name, string(header[start:at])) {
				return
			}
			name, start = "", at
			if before, _, ok := bytes.Cut(line, []byte(":")); ok && len(before) > 0 && !bytes.ContainsAny(before, " \t") {
				name, start = string(before), at+len(before)+1
			}
			at = next
		}
		if start < at {
			yield(name, string(header[start:at]))
		}
	}
}
