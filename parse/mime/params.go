package mime

import (
	"slices"
	"strconv"
	"strings"
)

// token gives what a header value says before its parameters.
func token(value string) string {
	if end := strings.IndexAny(value, "; \t("); end >= 0 {
		value = value[:end]
	}
	return value
}

// mediaType gives the type that a Content-Type header names, in lower case;
// "" when it names none, which is to be read as plain text (RFC 2045 §5.2).
func mediaType(value string) string {
	kind := strings.ToLower(strings.Trim(token(strings.TrimLeft(value, " \t")), `"`))
	if major, _, ok := strings.Cut(kind, "/"); !ok || major == "" {
		return ""
	}
	return kind
}

// parameter gives a parameter of a header, put together from its pieces and
// decoded (RFC 2231); "" when there is none. Mistakes that mail programs make
// are read as they are meant: a quote that is never closed, a value with
// blanks and without quotes, a missing semicolon.
func parameter(header, name string) string {
	_, rest, _ := strings.Cut(header, token(header))
	if len(header) < len(name) || !strings.Contains(rest, "=") {
		return ""
	}
	type piece struct {
		number  int
		encoded bool
		value   string
	}
	var pieces []piece
	plain, found := "", false
	for rest != "" && len(pieces) < maxParts {
		var key, value string
		key, value, rest = nextParameter(rest)
		if len(key) < len(name) || !strings.EqualFold(key[:len(name)], name) {
			continue
		}
		switch key = key[len(name):]; {
		case key == "":
			if !found {
				plain, found = value, true
			}
		case key == "*":
			pieces = append(pieces, piece{0, true, value})
		case key[0] == '*':
			digits, encoded := strings.CutSuffix(key[1:], "*")
			if n, err := strconv.Atoi(digits); err == nil {
				pieces = append(pieces, piece{n, encoded, value})
			}
		}
	}
	if len(pieces) == 0 {
		return plain
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return a.number - b.number })
	var content []byte
	charset := ""
	for i, p := range pieces {
		if i > 0 && p.number != pieces[i-1].number+1 {
			break // a piece is missing, or comes twice
		}
		if !p.encoded {
			content = append(content, p.value...)
			continue
		}
		if before, after, ok := strings.Cut(p.value, "'"); ok && i == 0 {
			if _, text, ok := strings.Cut(after, "'"); ok {
				charset, p.value = before, text
			}
		}
		content = appendPercent(content, p.value)
	}
	text, _, _ := toUTF8(content, charset)
	return text
}

// nextParameter takes a parameter off. The key is empty when there is none
// before the rest.
func nextParameter(s string) (key, value, rest string) {
	s = strings.TrimLeft(s, "; \t,")
	end := strings.IndexAny(s, "=; \t")
	if end < 0 {
		return "", "", ""
	}
	key, s = s[:end], strings.TrimLeft(s[end:], " \t")
	s, ok := strings.CutPrefix(s, "=")
	if !ok {
		return "", "", s
	}
	s = strings.TrimLeft(s, " \t")
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		value, rest = unquote(quoted)
		return key, value, rest
	}
	value, rest, _ = strings.Cut(s, ";")
	// Blanks end a value when a parameter or a comment follows; else they are
	// of a file name without quotes.
	if blank := strings.IndexAny(value, " \t"); blank >= 0 {
		more := strings.TrimLeft(value[blank:], " \t")
		end := strings.IndexAny(more, "= \t")
		if strings.HasPrefix(more, "(") || end >= 0 && more[end] == '=' {
			return key, value[:blank], s[blank:]
		}
	}
	return key, strings.TrimRight(value, " \t"), rest
}

// unquote reads a quoted string up to its end. A backslash stays where it
// escapes nothing that needs it: programs put a file's path here.
func unquote(s string) (value, rest string) {
	end := strings.IndexAny(s, `"\`)
	if end >= 0 && s[end] == '"' {
		return s[:end], s[end+1:]
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return string(out), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		out = append(out, s[i])
	}
	return string(out), ""
}

// appendPercent decodes %41 and the like.
func appendPercent(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := unhex(s[i+1]), unhex(s[i+2]); high >= 0 && low >= 0 {
				b = append(b, byte(high<<4|low))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return b
}
