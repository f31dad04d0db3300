package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// printJSON prints one object on a line.
func printJSON(out io.Writer, v any) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	_, err = out.Write(append(data, '\n'))
	return err
}

// encode is compact JSON that a terminal only shows: JSON escapes ASCII's
// control characters, and this the others.
func encode(v any) ([]byte, error) {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	shown := make([]byte, 0, plain.Len())
	for _, r := range string(bytes.TrimSuffix(plain.Bytes(), []byte("\n"))) {
		if r < utf8.RuneSelf || strconv.IsPrint(r) {
			shown = utf8.AppendRune(shown, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			shown = fmt.Appendf(shown, `\u%04x`, unit)
		}
	}
	return shown, nil
}

// optional is a time as JSON has it: RFC 3339 in UTC, null for none.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// optionalID is an id as JSON has it, null for none.
func optionalID(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}
