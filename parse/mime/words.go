package mime

import (
	"io"
	"mime"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// fill takes over the headers that an alert tells.
func (r *reader) fill(m *Message, h *header) {
	m.Subject = headerText(r.words(h.subject, "subject"))
	m.MessageID = headerText(strings.TrimSuffix(strings.TrimPrefix(h.messageID, "<"), ">"))
	if h.froms > 1 {
		r.warn.Add("the mail has several From headers, the first is used")
	}
	if h.froms > 0 {
		m.From = r.from(h.from)
	}
	if h.date != "" {
		var ok bool
		if m.Date, ok = date(h.date); !ok {
			r.warn.Add("the Date header names no instant: %s", Quote(h.date))
		}
	}
}

// words decodes a header, and warns where it cannot be.
func (r *reader) words(value, what string) string {
	if isPrintable(value) && !strings.Contains(value, "=?") {
		return value
	}
	if !utf8.ValidString(value) {
		value, _ = r.utf8([]byte(value), "", what)
	}
	value, flaw := decodeWords(value)
	if flaw != "" {
		r.warn.Add("the %s %s", what, flaw)
	}
	return value
}

// decodeWords decodes the encoded words of a header (RFC 2047). Words that
// stand side by side in one charset are put together before their bytes are
// made characters: many programs split a character between two words.
func decodeWords(value string) (text, flaw string) {
	if !strings.Contains(value, "=?") {
		return value, ""
	}
	var out strings.Builder
	var run []byte // the content of words side by side
	charset := ""
	flush := func() {
		word, _, wrong := toUTF8(run, charset)
		out.WriteString(word)
		run = run[:0]
		if flaw == "" {
			flaw = wrong
		}
	}
	for value != "" {
		before, _, _ := strings.Cut(value, "=?")
		w, rest, ok := nextWord(value[len(before):])
		if !ok {
			// No word begins here; at least one character is passed over.
			before = value[:min(len(value), len(before)+len("=?"))]
			rest = value[len(before):]
		}
		blank := strings.Trim(before, " \t") == ""
		if len(run) > 0 && !(ok && blank && w.charset == charset) {
			flush()
			if ok && blank {
				before = ""
			}
		} else if len(run) > 0 {
			before = ""
		}
		out.WriteString(before)
		if ok {
			run, charset = append(run, w.content...), w.charset
		}
		value = rest
	}
	flush()
	return out.String(), flaw
}

type word struct {
	charset string
	content []byte
}

// nextWord reads the encoded word that s begins with. That of a header which
// was cut off may lack its end.
func nextWord(s string) (w word, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "=?")
	if !ok {
		return w, "", false
	}
	w.charset, s, ok = strings.Cut(s, "?")
	if !ok || w.charset == "" || len(w.charset) > maxQuote || strings.ContainsAny(w.charset, " \t") || len(s) < 2 || s[1] != '?' {
		return w, "", false
	}
	w.charset, _, _ = strings.Cut(strings.ToLower(w.charset), "*") // what follows names a language
	coding := s[0]
	s = s[2:]
	text, rest, closed := strings.Cut(s, "?=")
	if !closed && strings.ContainsAny(text, " \t") {
		return w, "", false
	}
	d := decoder{most: maxValue}
	switch coding {
	case 'B', 'b':
		d.base64([]byte(text))
	case 'Q', 'q':
		d.quotedPrintable([]byte(strings.ReplaceAll(text, "_", "=20")))
	default:
		return w, "", false
	}
	w.content = d.buf
	return w, rest, true
}

// from gives the address that wrote the mail. More than one is legal and
// never what SEPM does, so it is said.
func (r *reader) from(value string) string {
	if addr, ok := plainAddress(value); ok {
		return addr
	}
	parser := netmail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: anyCharset}}
	list, err := parser.ParseList(value)
	if err == nil && len(list) > 0 {
		if len(list) > 1 {
			r.warn.Add("the From header has several addresses, the first is used")
		}
		return headerText(list[0].Address)
	}
	// What looks like an address in a display name must not be taken for
	// the address.
	r.warn.Add("the From header is malformed: %s", Quote(value))
	if at := strings.LastIndexByte(value, '<'); at >= 0 {
		value, _, _ = strings.Cut(value[at+1:], ">")
	}
	return headerText(value)
}

// plainAddress reads the usual forms, a@b.c and Name <a@b.c>, as long as
// nothing in them needs the full grammar; it saves a tenth of a mail's
// reading.
func plainAddress(value string) (addr string, ok bool) {
	name, addr, bracketed := strings.Cut(value, "<")
	if !bracketed {
		name, addr = "", value
	} else if addr, ok = strings.CutSuffix(addr, ">"); !ok {
		return "", false
	}
	local, host, ok := strings.Cut(addr, "@")
	return addr, ok && isPlain(name, " -_") && local != "" && isPlain(local, "-_") && host != "" && isPlain(host, "-")
}

// isPlain reports whether s is made of ASCII letters, digits, dots between
// them, and the others.
func isPlain(s, others string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte(others, c) >= 0:
		case c == '.' && i > 0 && i < len(s)-1 && s[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// anyCharset lets an address be read whose display name cannot be decoded:
// the name is not used.
func anyCharset(_ string, in io.Reader) (io.Reader, error) { return in, nil }

// headerText makes a header value one bounded line of valid text.
func headerText(s string) string {
	s = strings.TrimSpace(Cut(s, maxHeader))
	if isPrintable(s) {
		return s
	}
	s, _, _ = toUTF8([]byte(s), "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
