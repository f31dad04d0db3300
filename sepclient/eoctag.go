package sepclient

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encoding/xml takes four times as long for an EOC result (BenchmarkMatches),
// most of it for parts of the document that nobody asks for. A command for a
// whole fleet brings tens of thousands of results, so tags are read here, and
// of them only what is asked for.

// ErrTruncated is an EOC result that ends before its end, as SEPM's database
// may cut it. What comes before the error is true.
var ErrTruncated = errors.New("the result is cut off")

var errTag = errors.New("the result is not well-formed XML")

// maxTag bounds one tag. The longest path has 32,767 characters.
const maxTag = 256 << 10

// tagReader reads the tags of an XML document and goes over all else.
type tagReader struct{ cutter }

// nextTag is the next tag without its brackets. It stays until the next call.
// Text, comments, CDATA, processing instructions and declarations are gone
// over. The end of the document is [ErrTruncated].
func (t *tagReader) nextTag() ([]byte, error) {
	for {
		if err := t.find("<"); err != nil {
			return nil, err
		}
		t.start = t.at
		var err error
		switch {
		case t.taken("?"):
			err = t.find("?>")
		case !t.taken("!"):
			return t.tag()
		case t.taken("--"):
			err = t.find("-->")
		case t.taken("[CDATA["):
			err = t.find("]]>")
		default:
			err = t.find(">")
		}
		if err != nil {
			return nil, err
		}
	}
}

// find goes to the place after the mark and keeps nothing of what is before.
func (t *tagReader) find(mark string) error {
	for {
		if i := bytes.Index(t.data[t.at:], []byte(mark)); i >= 0 {
			t.at += i + len(mark)
			return nil
		}
		t.at = max(t.at, len(t.data)-len(mark)+1) // where the mark may have begun
		t.start = t.at
		if !t.more() {
			return t.ended()
		}
	}
}

// taken goes over the prefix if the document goes on with it.
func (t *tagReader) taken(prefix string) bool {
	for len(t.data)-t.at < len(prefix) && strings.HasPrefix(prefix, string(t.data[t.at:])) {
		if !t.more() {
			return false
		}
	}
	if !bytes.HasPrefix(t.data[t.at:], []byte(prefix)) {
		return false
	}
	t.at += len(prefix)
	return true
}

// tag goes over a tag whose first bracket was taken.
func (t *tagReader) tag() ([]byte, error) {
	for quote := byte(0); ; t.at++ {
		if t.at == len(t.data) {
			if t.at-t.start > maxTag {
				return nil, errTag
			}
			if !t.more() {
				return nil, t.ended()
			}
		}
		switch b := t.data[t.at]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case b == '>':
			t.at++
			return t.data[t.start : t.at-1], nil
		case b == '<':
			return nil, errTag
		}
	}
}

// ended is why there is no more.
func (t *tagReader) ended() error {
	if t.err != nil && t.err != io.EOF {
		return t.err
	}
	return ErrTruncated
}

// tagName takes a tag apart: its name without a prefix, what comes after it,
// and whether it is an end or ends itself.
func tagName(tag []byte) (name, rest []byte, end, empty bool) {
	tag, end = bytes.CutPrefix(tag, []byte("/"))
	tag, empty = bytes.CutSuffix(tag, []byte("/"))
	length := 0
	for length < len(tag) && !blank(tag[length]) {
		length++
	}
	name, rest = tag[:length], tag[length:]
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return name, rest, end, empty
}

func blank(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// attributes hands each attribute of a tag to the function.
func attributes(rest []byte, each func(name, value []byte)) error {
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if len(rest) == 0 {
			return nil
		}
		name, after, found := bytes.Cut(rest, []byte("="))
		after = bytes.TrimLeft(after, " \t\r\n")
		if !found || len(after) == 0 || after[0] != '"' && after[0] != '\'' {
			return errTag
		}
		value, after, found := bytes.Cut(after[1:], after[:1])
		if !found {
			return errTag
		}
		each(bytes.TrimRight(name, " \t\r\n"), value)
		rest = after
	}
}

// unescape is the text of an attribute's value. What is no entity of XML's
// own stays as it is.
func unescape(value []byte) string {
	if bytes.IndexByte(value, '&') < 0 {
		return strings.ToValidUTF8(string(value), "\ufffd")
	}
	const longest = len("#x10FFFF;")
	var out strings.Builder
	for {
		before, after, found := bytes.Cut(value, []byte("&"))
		out.Write(before)
		if !found {
			return strings.ToValidUTF8(out.String(), "\ufffd")
		}
		value = after
		end := bytes.IndexByte(after[:min(len(after), longest)], ';')
		if end < 0 {
			out.WriteByte('&')
		} else if r, ok := entity(string(after[:end])); ok {
			out.WriteRune(r)
			value = after[end+1:]
		} else {
			out.WriteByte('&')
		}
	}
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, numeric := strings.CutPrefix(name, "#")
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), numeric && err == nil && utf8.ValidRune(rune(n))
}
