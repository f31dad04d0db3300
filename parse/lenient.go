package parse

import (
	"bytes"
	"slices"
	"strings"

	"github.com/emersion/go-message"
)

// lenient reads a message that go-message refuses: one bad header line is
// enough for that. Lines that cannot be a header are skipped, part borders
// are looked for by hand, and what is left is decoded as usual.
func (r *mailReader) lenient(raw []byte, depth int) *mail {
	raw = bytes.ReplaceAll(raw, []byte("\r\r\n"), []byte("\r\n"))
	header, content := r.lenientHeader(raw)
	m := r.headers(&header)
	r.lenientEntity(m, header, content, depth)
	return m
}

func (r *mailReader) lenientEntity(m *mail, header message.Header, content []byte, depth int) {
	kind := strings.ToLower(header.Get("Content-Type"))
	if strings.HasPrefix(kind, "multipart/") && depth < maxNesting {
		if parts := splitParts(content, boundaryOf(header)); len(parts) > 0 {
			for _, part := range parts {
				if !r.take() {
					return
				}
				partHeader, partContent := r.lenientHeader(part)
				r.lenientEntity(m, partHeader, partContent, depth+1)
			}
			return
		}
		r.warn.add("a multipart has no parts, it is read as plain text")
		header.Set("Content-Type", "text/plain")
	}
	entity, err := message.New(header, bytes.NewReader(content))
	r.leaf(m, entity, err)
}

// lenientHeader reads header lines up to a blank line and gives what follows
// it.
func (r *mailReader) lenientHeader(raw []byte) (message.Header, []byte) {
	type field struct{ key, value string }
	var fields []field
	skipped := 0
	rest := bytes.TrimLeft(raw, "\r\n")
	if len(rest) < len(raw) && len(raw) > 0 && !bytes.HasPrefix(rest, []byte("From ")) {
		rest = raw // a part that begins with a blank line has no header
	}
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			break
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		key = bytes.TrimRight(key, " \t")
		switch {
		case line[0] == ' ' || line[0] == '\t':
			if n := len(fields); n > 0 && len(fields[n-1].value) < maxFolded {
				last := &fields[n-1]
				last.value = cut(last.value+" "+string(bytes.TrimSpace(line)), maxFolded)
			}
		case ok && isHeaderKey(key):
			fields = append(fields, field{string(key), cut(string(bytes.TrimSpace(value)), maxFolded)})
		case !bytes.HasPrefix(line, []byte("From ")): // an mbox has that line
			skipped++
		}
		if len(fields) > maxParts {
			break
		}
	}
	if skipped > 0 {
		r.warn.add("%d lines of a header are none and were skipped", skipped)
	}
	var h message.Header
	for _, f := range slices.Backward(fields) { // Add puts a field before the others
		h.Add(f.key, f.value)
	}
	return h, rest
}

// maxFolded is the longest header value, in bytes, of a lenient reading.
const maxFolded = 16 << 10

func isHeaderKey(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(key) > 0
}

// boundaryOf finds the boundary even in a header with broken parameters.
func boundaryOf(h message.Header) string {
	if _, params, err := h.ContentType(); err == nil && params["boundary"] != "" {
		return params["boundary"]
	}
	value := h.Get("Content-Type")
	at := strings.Index(strings.ToLower(value), "boundary=")
	if at < 0 || at+len("boundary=") > len(value) {
		return ""
	}
	value = value[at+len("boundary="):]
	if inner, ok := strings.CutPrefix(value, `"`); ok {
		value, _, _ = strings.Cut(inner, `"`)
		return value
	}
	if end := strings.IndexAny(value, "; \t"); end >= 0 {
		value = value[:end]
	}
	return value
}

// splitParts cuts a multipart body at its border lines. The last border may
// be missing.
func splitParts(content []byte, boundary string) [][]byte {
	if boundary == "" {
		return nil
	}
	border := []byte("--" + boundary)
	var parts [][]byte
	start := -1 // of the part that is being read
	for at := 0; at < len(content); {
		end := len(content)
		if n := bytes.IndexByte(content[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		line := bytes.TrimRight(content[at:end], " \t\r\n")
		if tail, ok := bytes.CutPrefix(line, border); ok && (len(tail) == 0 || string(tail) == "--") {
			if start >= 0 {
				parts = append(parts, bytes.TrimSuffix(bytes.TrimSuffix(content[start:at], []byte("\n")), []byte("\r")))
			}
			start = end
			if len(tail) > 0 || len(parts) > maxParts {
				return parts
			}
		}
		at = end
	}
	if start >= 0 {
		parts = append(parts, content[start:])
	}
	return parts
}
