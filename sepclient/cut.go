package sepclient

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// A page of hundreds of computers is megabytes, of which a walk over the
// fleet wants a few objects. Reading all of it with encoding/json, which also
// goes over each value two times, is most of a walk's work. So a page is cut
// into its objects without looking into them, as it arrives, and only those
// that are wanted are decoded, and held to JSON's grammar, by encoding/json.

var errNoJSON = errors.New("it is not a JSON object")

// cutPage hands the objects of the array "content" of a page to each, as they
// are read; each keeps none of them. It returns the rest of the page, and
// whether it has that array.
func cutPage(page io.Reader, each func(object []byte) error) (rest []byte, found bool, err error) {
	c := cutter{page: page}
	if !c.take('{') {
		return nil, false, c.fail()
	}
	rest = append(rest, '{')
	for !c.take('}') {
		key, ok := c.value()
		if !ok {
			return nil, false, c.fail()
		}
		content := !found && strings.EqualFold(string(key), `"content"`)
		member := append([]byte(nil), key...)
		if !c.take(':') {
			return nil, false, c.fail()
		}
		if content && c.take('[') {
			found = true
			if err := c.values(each); err != nil {
				return nil, false, err
			}
		} else {
			value, ok := c.value()
			if !ok {
				return nil, false, c.fail()
			}
			if len(rest) > 1 {
				rest = append(rest, ',')
			}
			rest = append(append(append(rest, member...), ':'), value...)
		}
		if !c.take(',') && c.next() != '}' {
			return nil, false, c.fail()
		}
	}
	if c.next() != 0 {
		return nil, false, errNoJSON
	}
	return append(rest, '}'), found, nil
}

// window is how much of a page is held, unless an object is larger.
const window = 32 << 10

// cutter reads over JSON. It finds where values of valid JSON end; of other
// text it finds some end or none.
type cutter struct {
	page io.Reader
	// data is what is held of the page, at where it is read, and from start
	// on it is kept.
	data      []byte
	at, start int
	err       error
}

// fail is why there is no more JSON.
func (c *cutter) fail() error {
	if c.err != nil && c.err != io.EOF {
		return c.err
	}
	return errNoJSON
}

// more reads more of the page. What comes before start is given up.
func (c *cutter) more() bool {
	if c.err != nil {
		return false
	}
	if c.start > 0 {
		c.data = c.data[:copy(c.data, c.data[c.start:])]
		c.at, c.start = c.at-c.start, 0
	}
	held := len(c.data)
	c.data = slices.Grow(c.data, window)
	for len(c.data) == held && c.err == nil {
		var n int
		n, c.err = c.page.Read(c.data[held:cap(c.data)])
		c.data = c.data[:held+n]
	}
	return len(c.data) > held
}

// next is the next byte that is no blank, 0 at the end.
func (c *cutter) next() byte {
	for {
		for ; c.at < len(c.data); c.at++ {
			switch b := c.data[c.at]; b {
			case ' ', '\t', '\r', '\n':
			default:
				return b
			}
		}
		c.start = c.at
		if !c.more() {
			return 0
		}
	}
}

// take goes over the byte if it is the next one.
func (c *cutter) take(b byte) bool {
	if c.next() != b {
		return false
	}
	c.at++
	return true
}

// members hands the members of an object to each, whose bytes stay until it
// returns.
func (c *cutter) members(each func(key, value []byte)) error {
	if !c.take('{') {
		return c.fail()
	}
	var key []byte
	for !c.take('}') {
		name, ok := c.value()
		if !ok {
			return c.fail()
		}
		key = append(key[:0], name...)
		if !c.take(':') {
			return c.fail()
		}
		value, ok := c.value()
		if !ok {
			return c.fail()
		}
		each(key, value)
		if !c.take(',') && c.next() != '}' {
			return c.fail()
		}
	}
	return nil
}

// values hands the values of an array whose bracket was taken to each.
func (c *cutter) values(each func([]byte) error) error {
	if c.take(']') {
		return nil
	}
	for {
		v, ok := c.value()
		if !ok {
			return c.fail()
		}
		if err := each(v); err != nil {
			return err
		}
		if c.take(']') {
			return nil
		}
		if !c.take(',') {
			return c.fail()
		}
	}
}

// value goes over one value, which stays until the next call of anything.
func (c *cutter) value() (value []byte, ok bool) {
	first := c.next()
	c.start = c.at
	for depth := 0; ; {
		if c.at == len(c.data) && !c.more() {
			return c.data[c.start:], depth == 0 && first != 0
		}
		switch c.data[c.at] {
		case '"':
			if !c.text() {
				return nil, false
			}
			if depth == 0 {
				return c.data[c.start:c.at], true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of a number or word
				return c.data[c.start:c.at], c.at > c.start
			}
			if depth--; depth == 0 {
				c.at++
				return c.data[c.start:c.at], true
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return c.data[c.start:c.at], c.at > c.start
			}
		}
		c.at++
	}
}

// text goes over a string, which is part of a value.
func (c *cutter) text() bool {
	for c.at++; ; {
		i := bytes.IndexByte(c.data[c.at:], '"')
		if i < 0 {
			c.at = len(c.data)
			if !c.more() {
				return false
			}
			continue
		}
		c.at += i
		escapes := 0
		for c.data[c.at-1-escapes] == '\\' {
			escapes++
		}
		c.at++
		if escapes%2 == 0 {
			return true
		}
	}
}

// nameOf is the name in the JSON object of a computer, where it is plain to
// see: no string of JSON holds an unescaped quote, so the key is no part of
// one.
func nameOf(computer []byte) (name string, plain bool) {
	_, after, found := bytes.Cut(computer, []byte(`"computerName"`))
	if !found {
		return "", false
	}
	c := cutter{data: after, err: io.EOF}
	if !c.take(':') || c.next() != '"' {
		return "", false
	}
	value, ok := c.value()
	if !ok || bytes.IndexByte(value, '\\') >= 0 {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}
