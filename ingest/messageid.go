package ingest

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessageID bounds what is kept of a Message-ID; RFC 5322 §2.1.1 allows no
// longer line.
const maxMessageID = 998

// messageID returns the first Message-ID of a mail without its brackets. It
// reads lines, not MIME, as it must give the same answer for a mail that no
// MIME reader accepts.
func messageID(raw []byte) string {
	const name = "message-id"
	var value strings.Builder
	found := false
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		line = bytes.TrimRight(line, "\r")
		if len(line) == 0 {
			break
		}
		if folded := line[0] == ' ' || line[0] == '\t'; folded {
			if found {
				value.Write(line[:min(len(line), maxMessageID)])
			}
		} else if found {
			break
		} else if field, body, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(bytes.TrimSpace(field)), name) {
			found = true
			value.Write(body[:min(len(body), maxMessageID)])
		}
		if value.Len() > maxMessageID {
			break
		}
	}
	id := strings.TrimSpace(value.String())
	if inner, ok := strings.CutPrefix(id, "<"); ok {
		if inner, _, ok = strings.Cut(inner, ">"); ok {
			id = strings.TrimSpace(inner)
		}
	}
	return printable(id[:min(len(id), maxMessageID)])
}

// printable drops what a text column or a log line cannot hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
