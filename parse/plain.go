package parse

import (
	"bytes"
	"strings"
)

// The headers that matter when a plain mail is read.
const (
	otherKey = iota
	subjectKey
	fromKey
	messageIDKey
	typeKey
	codingKey
	dispositionKey
	plainKeys
)

// plainHeader holds their values.
type plainHeader [plainKeys]struct {
	value string
	seen  bool
}

// plain reads a mail whose header is sound and whose body is plain text that
// stands there as it is; most alerts are so. It gives exactly what go-message
// gives for such a mail, at a fraction of the cost, and leaves all others to
// it.
func (r *mailReader) plain(raw []byte) (m *mail, ok bool) {
	h, content, ok := readPlainHeader(raw)
	if !ok || len(content) > r.bytes || h[dispositionKey].seen {
		return nil, false
	}
	charset, ok := plainText(h[typeKey].value, h[codingKey].value)
	if !ok {
		return nil, false
	}
	r.bytes -= len(content)
	froms := 0
	if h[fromKey].seen {
		froms = 1
	}
	m = r.mail(h[subjectKey].value, h[fromKey].value, froms, h[messageIDKey].value)
	m.plain = r.decoded(content, charset, "", nil)
	return m, true
}

// readPlainHeader gives up at whatever needs a second look: broken lines,
// encoded words, headers that come twice.
func readPlainHeader(raw []byte) (h plainHeader, content []byte, ok bool) {
	for rest := raw; ; {
		var line []byte
		if line, rest, ok = plainLine(rest); !ok || len(line) == 0 {
			return h, rest, ok
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !found || !isHeaderKey(name) {
			return h, nil, false
		}
		var into *string
		if key := plainKey(name); key != otherKey {
			if h[key].seen {
				return h, nil, false
			}
			h[key].seen = true
			into = &h[key].value
		}
		if rest, ok = plainValue(into, value, rest); !ok {
			return h, nil, false
		}
	}
}

func plainKey(name []byte) int {
	for key, known := range [plainKeys]string{
		subjectKey: "subject", fromKey: "from", messageIDKey: "message-id", typeKey: "content-type",
		codingKey: "content-transfer-encoding", dispositionKey: "content-disposition",
	} {
		if len(name) == len(known) && strings.EqualFold(string(name), known) {
			return key
		}
	}
	return otherKey
}

// plainValue reads a header's value with the lines that continue it.
func plainValue(into *string, first, rest []byte) (after []byte, ok bool) {
	value := bytes.Trim(first, " \t")
	folded := false
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		var line []byte
		if line, rest, ok = plainLine(rest); !ok {
			return nil, false
		}
		if line = bytes.Trim(line, " \t"); into == nil || len(line) == 0 {
			continue
		}
		if !folded {
			value, folded = bytes.Clone(value), true
		}
		if len(value) > 0 {
			value = append(value, ' ')
		}
		value = append(value, line...)
	}
	if into != nil {
		*into = string(value)
		return rest, !strings.Contains(*into, "=?")
	}
	return rest, true
}

// plainLine takes a line off that ends in LF or CRLF and has no other CR.
func plainLine(raw []byte) (line, rest []byte, ok bool) {
	line, rest, ok = bytes.Cut(raw, []byte("\n"))
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, rest, ok && bytes.IndexByte(line, '\r') < 0
}

// plainText reports whether a body of this type and transfer encoding is
// text that needs no decoding, and its declared charset.
func plainText(kind, coding string) (charset string, ok bool) {
	switch strings.ToLower(coding) {
	case "", "7bit", "8bit", "binary":
	default:
		return "", false
	}
	switch strings.ToLower(kind) {
	case "", "text/plain":
		return "", true
	case "text/plain; charset=utf-8", `text/plain; charset="utf-8"`:
		return "utf-8", true
	case "text/plain; charset=us-ascii", `text/plain; charset="us-ascii"`:
		return "us-ascii", true
	}
	return "", false
}
