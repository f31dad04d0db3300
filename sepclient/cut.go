package sepclient

import (
	"bytes"
	"errors"
	"strings"
)

// A page of hundreds of computers is megabytes, of which a walk over the
// fleet wants a few objects. Reading all of it with encoding/json, which also
// goes over each value two times, is most of a walk's work. So a page is cut
// into its objects without looking into them, and only those that are wanted
// are decoded, and held to JSON's grammar, by encoding/json.

var errNoJSON = errors.New("it is not a JSON object")

// cutPage cuts the objects of the array "content" out of a page: what is left
// of the page, and the values of the array, nil where there is no such array.
func cutPage(page []byte) (rest []byte, content [][]byte, err error) {
	c := cutter{data: page}
	if !c.take('{') {
		return nil, nil, errNoJSON
	}
	for !c.take('}') {
		key, ok := c.value()
		if !ok || !c.take(':') {
			return nil, nil, errNoJSON
		}
		start := c.at
		if content == nil && strings.EqualFold(string(key), `"content"`) && c.take('[') {
			if content, ok = c.values(); ok {
				rest = append(append(rest, page[:start]...), "null"...)
				rest = append(rest, page[c.at:]...)
			}
		} else {
			_, ok = c.value()
		}
		if !ok || !c.take(',') && c.next() != '}' {
			return nil, nil, errNoJSON
		}
	}
	if rest == nil {
		rest = page
	}
	return rest, content, nil
}

// cutter reads over JSON. It finds where values of valid JSON end; of other
// text it finds some end or none.
type cutter struct {
	data []byte
	at   int
}

// next is the next byte that is no blank, 0 at the end.
func (c *cutter) next() byte {
	for ; c.at < len(c.data); c.at++ {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// take goes over the byte if it is the next one.
func (c *cutter) take(b byte) bool {
	if c.next() != b {
		return false
	}
	c.at++
	return true
}

// values are the values of an array whose bracket was taken.
func (c *cutter) values() (values [][]byte, ok bool) {
	values = [][]byte{}
	if c.take(']') {
		return values, true
	}
	for {
		v, ok := c.value()
		if !ok {
			return nil, false
		}
		values = append(values, v)
		if c.take(']') {
			return values, true
		}
		if !c.take(',') {
			return nil, false
		}
	}
}

// value goes over one value.
func (c *cutter) value() (value []byte, ok bool) {
	first := c.next()
	start, depth := c.at, 0
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case '"':
			if !c.text() {
				return nil, false
			}
			if depth == 0 {
				return c.data[start:c.at], true
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of a number or word
				return c.data[start:c.at], c.at > start
			}
			if depth--; depth == 0 {
				c.at++
				return c.data[start:c.at], true
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return c.data[start:c.at], c.at > start
			}
		}
		c.at++
	}
	return c.data[start:], depth == 0 && first != 0
}

// text goes over a string.
func (c *cutter) text() bool {
	for c.at++; ; c.at++ {
		i := bytes.IndexByte(c.data[c.at:], '"')
		if i < 0 {
			return false
		}
		escapes := 0
		for escapes < i && c.data[c.at+i-1-escapes] == '\\' {
			escapes++
		}
		if c.at += i; escapes%2 == 0 {
			c.at++
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
	c := cutter{data: after}
	if !c.take(':') || c.next() != '"' {
		return "", false
	}
	value, ok := c.value()
	if !ok || bytes.IndexByte(value, '\\') >= 0 {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}
