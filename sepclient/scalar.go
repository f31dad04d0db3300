package sepclient

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// SEPM writes the same field as number, string or null from one version to
// the next, and 14.2 writes some fields twice in different case (A2, A10).
// The types here take all of that; what they cannot read is left as absent,
// so that one odd field does not hide an endpoint.

// text is a string, also when it was written as a number or boolean.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	if s := scalar(data); s != "" {
		*t = text(s) // an empty second spelling does not erase the first
	}
	return nil
}

// number is an integer that may be absent.
type number struct {
	value int64
	known bool
}

func (n *number) UnmarshalJSON(data []byte) error {
	s := scalar(data)
	switch s {
	case "true":
		*n = number{1, true}
		return nil
	case "false":
		*n = number{0, true}
		return nil
	}
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		*n = number{v, true}
	} else if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<53 {
		*n = number{int64(f), true}
	}
	return nil
}

// or is the number, or what stands for its absence.
func (n number) or(absent int) int {
	if !n.known {
		return absent
	}
	return int(n.value)
}

// is reports whether the number is known and v.
func (n number) is(v int64) bool { return n.known && n.value == v }

// time reads the number as Unix milliseconds, where 0 is never (A2).
func (n number) time() time.Time {
	const endOfYear9999 = 253402300800000 // the last that time.Time can marshal
	if n.value <= 0 || n.value >= endOfYear9999 {
		return time.Time{}
	}
	return time.UnixMilli(n.value).UTC()
}

// texts is a list of strings without empty and repeated ones.
type texts []string

func (l *texts) UnmarshalJSON(data []byte) error {
	var list []text
	if json.Unmarshal(data, &list) != nil {
		list = []text{text(scalar(data))}
	}
	*l = nil
	seen := map[text]bool{"": true}
	for _, t := range list {
		if !seen[t] {
			seen[t] = true
			*l = append(*l, string(t))
		}
	}
	return nil
}

// scalar is the text of a JSON string, number or boolean, else empty.
func scalar(data []byte) string {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return ""
	}
	switch data[0] {
	case '"':
		if len(data) >= 2 && bytes.IndexByte(data, '\\') < 0 && utf8.Valid(data) {
			return string(data[1 : len(data)-1]) // what Unmarshal would do, which reads it two times
		}
		var s string
		if json.Unmarshal(data, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(data)
}
