package mime

import (
	"strings"
	"time"
)

// zones are those that a date may name (RFC 5322 §4.3, and UTC). Other names
// mean different offsets in different countries.
var zones = map[string]string{
	"UT": "+0000", "GMT": "+0000", "UTC": "+0000", "Z": "+0000",
	"EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800", "PDT": "-0700",
}

// dateLayouts are the forms of a date once its day of the week, commas and
// comments are gone, and its zone is a number.
var dateLayouts = func() (layouts []string) {
	for _, day := range []string{"2 Jan 2006", "2 Jan 06", "2 January 2006", "Jan 2 2006", "January 2 2006", "2-Jan-2006", "2-Jan-06", "2006-1-2", "2006/1/2"} {
		for _, clock := range []string{"15:4:5", "15:4", "3:4:5 PM", "3:4 PM"} {
			layouts = append(layouts, day+" "+clock+" -0700")
		}
	}
	return append(layouts, "Jan 2 15:4:5 2006 -0700", "Jan 2 15:4:5 -0700 2006")
}()

// date reads a Date header. One without a zone, or whose zone has no one
// meaning, names no instant: to guess it would shift every time in the mail
// that is compared with it.
func date(value string) (t time.Time, ok bool) {
	if t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", value); err == nil { // as most write it
		return t, true
	}
	words := strings.Fields(strings.ReplaceAll(withoutComments(value), ",", " "))
	if len(words) > 0 && isWeekday(words[0]) {
		words = words[1:]
	}
	// RFC 3339 has no blanks between date, clock and zone.
	if len(words) == 1 {
		if t, err := time.Parse(time.RFC3339, words[0]); err == nil {
			return t, true
		}
	}
	for i, word := range words {
		upper := strings.ToUpper(word)
		if offset, ok := zones[upper]; ok {
			words[i] = offset
		} else if offset, ok := strings.CutPrefix(upper, "GMT"); ok && offset != "" { // GMT+0100
			words[i] = offset
		}
	}
	for i, word := range words {
		if n := len(word); n == 6 && strings.IndexByte("+-", word[0]) >= 0 && word[3] == ':' { // +01:00
			words[i] = word[:3] + word[4:]
		}
	}
	text := strings.Join(words, " ")
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isWeekday reports whether the word is a day of the week, in whatever
// language: no date begins with another word without digits, but for the name
// of a month.
func isWeekday(word string) bool {
	if strings.ContainsAny(word, "0123456789") {
		return false
	}
	for month := time.January; month <= time.December; month++ {
		if strings.HasPrefix(strings.ToLower(word), strings.ToLower(month.String()[:3])) {
			return false
		}
	}
	return true
}

// withoutComments drops what stands in brackets.
func withoutComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var out strings.Builder
	depth := 0
	for _, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
			out.WriteByte(' ')
		case depth == 0:
			out.WriteRune(c)
		}
	}
	return out.String()
}
