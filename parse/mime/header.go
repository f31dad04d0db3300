package mime

import (
	"bytes"
	"strings"
)

// header holds the headers that matter, as they stand in the mail but
// unfolded. Of one that comes twice the first is taken; of those that say how
// a body is to be read it is the last, because a relay that reads a body anew
// adds its own below.
type header struct {
	subject, from, messageID, date string
	kind, coding, disposition      string
	froms                          int
}

// field gives where the value of a header is kept; nil for those that do not
// matter.
func (h *header) field(name []byte) *string {
	switch len(name) {
	case len("from"):
		if strings.EqualFold(string(name), "from") {
			h.froms++
			return first(&h.from)
		}
		if strings.EqualFold(string(name), "date") {
			return first(&h.date)
		}
	case len("subject"):
		if strings.EqualFold(string(name), "subject") {
			return first(&h.subject)
		}
	case len("message-id"):
		if strings.EqualFold(string(name), "message-id") {
			return first(&h.messageID)
		}
	case len("content-type"):
		if strings.EqualFold(string(name), "content-type") {
			return &h.kind
		}
	case len("content-disposition"):
		if strings.EqualFold(string(name), "content-disposition") {
			return &h.disposition
		}
	case len("content-transfer-encoding"):
		if strings.EqualFold(string(name), "content-transfer-encoding") {
			return &h.coding
		}
	}
	return nil
}

func first(value *string) *string {
	if *value != "" {
		return nil
	}
	return value
}

// firstLine gives the position where the header of a mail begins: after the
// line that an mbox puts before it, and after empty lines when a header
// follows them.
func (r *reader) firstLine(at int) int {
	rest := bytes.TrimPrefix(r.raw[at:], []byte("\xef\xbb\xbf"))
	rest = bytes.TrimLeft(rest, "\r\n")
	begin := len(r.raw) - len(rest)
	if mbox := bytes.TrimPrefix(rest, []byte(">")); bytes.HasPrefix(mbox, []byte("From ")) {
		if next := r.lineEnd(begin); r.beginsField(next) {
			r.warn.Add("the mail begins with the From line of an mbox, which is no header")
			return next
		}
	}
	if r.beginsField(begin) {
		return begin
	}
	return at
}

// beginsField reports whether a header that mails have begins at a position.
func (r *reader) beginsField(at int) bool {
	line, _ := r.line(at)
	name, _, ok := bytes.Cut(line[:min(len(line), maxName)], []byte(":"))
	return ok && isMailField(bytes.TrimRight(name, " \t"))
}

// header reads header lines from a position up to a blank line or a border,
// and gives the position where the body begins.
func (r *reader) header(start int) (h header, body int) {
	var (
		last    *string // the value that was read last
		fields  int
		known   bool // a header was met that mails have
		skipped int
		glued   int // lines that continue a header without being indented
		resume  = -1
	)
	at := start
	for at < len(r.raw) {
		line, next := r.headerLine(at, start)
		if len(line) == 0 {
			at = next
			break
		}
		if r.isBorder(at) {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if ok && isFieldName(name) {
			known = known || isMailField(name)
			last = nil
			if fields++; fields <= maxFields {
				last = h.field(name)
			}
			at = r.value(last, value, next)
			continue
		}
		// One bad line must not cost the mail.
		if last != nil && glued < maxGlued && strings.HasSuffix(*last, ";") && bytes.IndexByte(line, '=') > 0 {
			*last = Cut(*last+" "+string(line), maxValue)
			glued++
			at = next
			continue
		}
		if isOwnBorder(h.kind, line) {
			break // the empty line before the first part is missing
		}
		if resume < 0 {
			resume = r.lastMailField(start)
		}
		if r.textBegins(at, next, start, resume) && skipped == 0 && transferEncoding(h.coding) != "base64" {
			r.warn.Add("no empty line ends a header, the text begins after its last line that is one")
			at = resume
			break
		}
		skipped++
		at = next
	}
	if fields > 0 && !known {
		// Text without a header may have lines in the form of one.
		r.warn.Add("no line of a header is one that mails have, it is read as text")
		return header{}, start
	}
	if skipped > 0 {
		r.warn.Add("%d lines of a header are none and were skipped", skipped)
	}
	if fields > maxFields {
		r.warn.Add("only the first %d headers are read", maxFields)
	}
	if r.tripled {
		r.tripled = false
		r.warn.Add("lines end in CR CR LF, which was read as one line end")
	}
	return h, at
}

// textBegins reports whether a line that is no header, in a header whose last
// line that is one ends at resume, is text after a header that no empty line
// ends. One line before an empty one is more often a damaged header, unless
// there is no other.
func (r *reader) textBegins(at, next, start, resume int) bool {
	if at < resume {
		return false
	}
	if at > resume || at == start {
		return true
	}
	line, _ := r.line(next)
	return len(line) > 0 && !r.isBorder(next)
}

// maxGlued bounds what is added to a value line by line.
const maxGlued = 20

// value reads a header's value with the lines that continue it, and gives the
// position after them.
func (r *reader) value(into *string, first []byte, at int) (after int) {
	value := bytes.Trim(first, " \t")
	folded := false
	for at < len(r.raw) && (r.raw[at] == ' ' || r.raw[at] == '\t') {
		var line []byte
		line, at = r.line(at)
		line = bytes.Trim(line, " \t")
		if into == nil || len(line) == 0 || len(value) > maxValue {
			continue
		}
		if !folded {
			value = append(r.buf[:0], value...)
			folded = true
		}
		if len(value) > 0 {
			value = append(value, ' ')
		}
		value = append(value, line...)
	}
	if folded {
		r.buf = value[:0] // grown, for the next one
	}
	if into == nil {
		return at
	}
	if len(value) > maxValue {
		value = value[:maxValue]
		r.warn.Add("a header of more than %d bytes is cut", maxValue)
	}
	*into = string(value)
	return at
}

// line gives the line at a position without its end, and the position after
// it.
func (r *reader) line(at int) (line []byte, next int) {
	next = r.lineEnd(at)
	line = bytes.TrimSuffix(r.raw[at:next], []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if bytes.HasSuffix(line, []byte("\r")) {
		line = bytes.TrimRight(line, "\r")
		r.tripled = true
	}
	return line, next
}

// headerLine gives a line of the header that begins at start. The first one
// has nothing that it could continue.
func (r *reader) headerLine(at, start int) (line []byte, next int) {
	line, next = r.line(at)
	if at == start {
		line = bytes.TrimLeft(line, " \t")
	}
	return line, next
}

// lastMailField gives the position after the last header that mails have,
// from the start of a header. A line of a text may have the form of a header
// ("User: Administrator"), so only those that are known count.
func (r *reader) lastMailField(start int) int {
	last := start
	inField := false
	for at := start; at < len(r.raw); {
		line, next := r.headerLine(at, start)
		if len(line) == 0 || r.isBorder(at) {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, ok := bytes.Cut(line, []byte(":"))
			inField = ok && isMailField(bytes.TrimRight(name, " \t")) || hasPrefixFold(line, "content-")
		}
		if inField {
			last = next
		}
		at = next
	}
	return last
}

// isFieldName reports whether a header could be named so.
func isFieldName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' || strings.IndexByte("\"(),;<=>?@[\\]", c) >= 0 {
			return false
		}
	}
	return len(name) > 0
}

// isMailField reports whether mails have a header of that name.
func isMailField(name []byte) bool {
	for _, known := range [...]string{"from", "to", "cc", "bcc", "subject", "date", "sender", "received", "organization", "importance", "priority", "precedence"} {
		if len(name) == len(known) && strings.EqualFold(string(name), known) {
			return true
		}
	}
	for _, known := range [...]string{"x-", "content-", "message-", "mime-", "received-", "return-", "reply-", "in-reply-", "dkim-", "arc-",
		"authentication-", "list-", "user-agent", "delivered-", "envelope-", "thread-", "resent-", "auto-", "disposition-"} {
		if hasPrefixFold(name, known) {
			return isFieldName(name)
		}
	}
	return false
}

// isOwnBorder reports whether the line is the border that the header itself
// names.
func isOwnBorder(kind string, line []byte) bool {
	if !bytes.HasPrefix(line, []byte("--")) || !hasPrefixFold([]byte(kind), "multipart/") {
		return false
	}
	boundary := parameter(kind, "boundary")
	return boundary != "" && string(bytes.TrimRight(line[2:], " \t")) == boundary
}

// hasPrefixFold reports whether s begins with a prefix, in whatever case.
func hasPrefixFold(s []byte, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(string(s[:len(prefix)]), prefix)
}
