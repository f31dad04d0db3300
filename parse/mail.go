package parse

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"iter"
	"mime"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // decodes what is not UTF-8
)

// What is read of one mail, so that a large or deeply nested one costs no
// more than this.
const (
	maxBodies  = 8 << 20 // bytes of text in all parts together
	maxParts   = 1000
	maxNesting = 32
	maxHeader  = 1000 // bytes of one header value
)

// mail is the part of a message that a reader of alerts looks at.
type mail struct {
	subject, from, messageID string
	date                     time.Time
	plain, html              string   // inline text of all parts
	forwarded                [][]byte // mails among the parts, not yet read
	attached                 []*mail  // the same, read
}

// texts gives the mail's text as it is best read, then second choices: plain
// text before HTML, and HTML that was sent as plain text last.
func (m *mail) texts() iter.Seq[string] {
	return func(yield func(string) bool) {
		if m.plain != "" && !yield(m.plain) {
			return
		}
		if m.html != "" && !yield(HTMLText(m.html)) {
			return
		}
		if looksLikeHTML(m.plain) {
			yield(HTMLText(m.plain))
		}
	}
}

// mailReader reads one message with everything that is nested in it.
type mailReader struct {
	warn  *warnings
	size  int // of the whole message
	bytes int // of text that may still be read
	parts int // that may still be read
}

func readMail(raw []byte, warn *warnings) *mail {
	r := &mailReader{warn: warn, size: len(raw), bytes: maxBodies, parts: maxParts}
	return r.read(raw, 0)
}

// read reads a message by go-message, and by our own lenient reader where
// go-message gives up. The mails in it come last: inside either reading,
// nesting would double the work at each level.
func (r *mailReader) read(raw []byte, depth int) *mail {
	if m, ok := r.plain(raw); ok {
		return m
	}
	strict := *r
	strict.warn = &warnings{}
	m, err := strict.strict(raw, depth)
	if err == nil {
		r.bytes, r.parts = strict.bytes, strict.parts
		r.warn.merge(*strict.warn)
	} else {
		r.warn.add("the mail breaks the rules of MIME and was read leniently: %s", quote(err.Error()))
		m = r.lenient(raw, depth)
	}
	for _, inner := range m.forwarded {
		if depth >= maxNesting {
			r.warn.add("mails nested deeper than %d are left out", maxNesting)
			break
		}
		m.attached = append(m.attached, r.read(inner, depth+1))
	}
	m.forwarded = nil
	return m
}

func (r *mailReader) strict(raw []byte, depth int) (*mail, error) {
	entity, err := message.Read(bytes.NewReader(raw))
	if entity == nil {
		return nil, err
	}
	m := r.headers(&entity.Header)
	return m, r.entity(m, entity, err, depth)
}

// entity reads a part and those in it. The error is one after which the rest
// of the message cannot be found.
func (r *mailReader) entity(m *mail, e *message.Entity, decoding error, depth int) error {
	parts := e.MultipartReader()
	if parts == nil {
		r.leaf(m, e, decoding)
		return nil
	}
	if depth >= maxNesting {
		r.warn.add("parts nested deeper than %d are left out", maxNesting)
		return nil
	}
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		switch {
		case err == io.EOF && n == 0:
			return errors.New("multipart without parts")
		case err == io.EOF:
			return nil
		case part == nil:
			return err
		}
		if !r.take() {
			return nil
		}
		if err := r.entity(m, part, err, depth+1); err != nil {
			return err
		}
	}
}

// take counts a part, and reports whether it may be read.
func (r *mailReader) take() bool {
	if r.parts == 0 {
		r.warn.add("only the first %d parts are read", maxParts)
	}
	r.parts--
	return r.parts >= 0
}

// leaf adds a part that holds no others to the mail. Attachments are no
// text of the alert, except for mails that were forwarded so.
func (r *mailReader) leaf(m *mail, e *message.Entity, decoding error) {
	kind, params, _ := e.Header.ContentType()
	disposition := strings.ToLower(e.Header.Get("Content-Disposition"))
	switch {
	case strings.HasPrefix(kind, "message/rfc822"):
		m.forwarded = append(m.forwarded, r.content(e.Body))
	case strings.HasPrefix(disposition, "attachment"):
	case strings.HasPrefix(kind, "text/html"):
		m.html = join(m.html, r.text(e, params["charset"], decoding))
	case strings.HasPrefix(kind, "text/plain"), !strings.Contains(kind, "/"):
		m.plain = join(m.plain, r.text(e, params["charset"], decoding))
	}
}

// text reads a text part as UTF-8.
func (r *mailReader) text(e *message.Entity, charset string, decoding error) string {
	return r.decoded(r.content(e.Body), charset, e.Header.Get("Content-Transfer-Encoding"), decoding)
}

// decoded makes UTF-8 of a text to which go-message has applied what the
// header declares, unless the error says otherwise.
func (r *mailReader) decoded(content []byte, charset, coding string, decoding error) string {
	text, guessed := toUTF8(content)
	switch {
	case decoding == nil && guessed == "":
	case message.IsUnknownEncoding(decoding):
		r.warn.add("the transfer encoding %s is unknown, the text was read as it stands", quote(coding))
	case message.IsUnknownCharset(decoding):
		r.warn.add("the charset %s is unknown, the text was read as UTF-8 or windows-1252", quote(charset))
	default:
		r.warn.add("the text is not %s, it was read as %s", quote(strings.ToLower(orDefault(charset, "UTF-8"))), guessed)
	}
	if strings.IndexByte(text, 0) >= 0 {
		r.warn.add("the text holds NUL characters, shown as \\ufffd")
		text = strings.ReplaceAll(text, "\x00", "\ufffd")
	}
	return text
}

// content reads a body up to what may still be read. A coding error ends it;
// what stands before is kept.
func (r *mailReader) content(body io.Reader) []byte {
	var buf bytes.Buffer
	buf.Grow(min(r.size, 16<<10) + bytes.MinRead) // what an alert needs, in one go
	_, err := buf.ReadFrom(io.LimitReader(body, int64(r.bytes)+1))
	var corrupt base64.CorruptInputError // its offset is one of a chunk, not of the mail
	switch {
	case errors.As(err, &corrupt):
		r.warn.add("a part has damaged base64, the text before is kept")
	case err != nil:
		r.warn.add("a part is damaged, the text before is kept: %s", quote(err.Error()))
	}
	if buf.Len() > r.bytes {
		r.warn.add("only the first %d bytes of text are read", maxBodies)
		buf.Truncate(r.bytes)
	}
	r.bytes -= buf.Len()
	return buf.Bytes()
}

// headers reads the headers that an alert tells.
func (r *mailReader) headers(h *message.Header) *mail {
	subject, err := h.Text("Subject")
	if err != nil {
		r.warn.add("the subject cannot be decoded: %s", quote(err.Error()))
	}
	froms := 0
	for fields := h.FieldsByKey("From"); fields.Next(); {
		froms++
	}
	return r.mail(subject, h.Get("From"), froms, h.Get("Message-Id"))
}

func (r *mailReader) mail(subject, from string, froms int, messageID string) *mail {
	if froms > 1 {
		r.warn.add("the mail has several From headers, the first is used")
	}
	m := &mail{
		subject:   headerText(subject),
		messageID: headerText(strings.TrimSuffix(strings.TrimPrefix(messageID, "<"), ">")),
	}
	if froms > 0 {
		m.from = r.from(from)
	}
	return m
}

// from gives the address that wrote the mail. More than one is legal and
// never what SEPM does, so it is said.
func (r *mailReader) from(value string) string {
	if addr, ok := plainAddress(value); ok {
		return addr
	}
	parser := netmail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: anyCharset}}
	list, err := parser.ParseList(value)
	if err == nil && len(list) > 0 {
		if len(list) > 1 {
			r.warn.add("the From header has several addresses, the first is used")
		}
		return headerText(list[0].Address)
	}
	// What looks like an address in a display name must not be taken for
	// the address.
	r.warn.add("the From header is malformed: %s", quote(value))
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
	s = strings.TrimSpace(cut(s, maxHeader))
	if isPrintable(s) {
		return s
	}
	s, _ = toUTF8([]byte(s))
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

// join puts the texts of two parts one after the other.
func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return a + "\n\n" + b
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
