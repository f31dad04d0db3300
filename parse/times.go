package parse

import (
	"strings"
	"time"
	"unicode"
)

// wallForm is how a wall time is written in an alert.
const wallForm = "2006-01-02T15:04:05"

// evidenced is the one date style that is known from a real mail.
const evidenced = "Jan 2, 2006 3:04:05 PM"

// layouts are the unambiguous date styles of contract SEPM e-mail §1.5, in
// the form that [tidyTime] leaves.
func layouts() [11]string {
	return [...]string{
		"Jan 2 2006 3:04:05 PM",
		"Jan 2 2006 15:04:05",
		"2 Jan 2006 15:04:05",
		"2 Jan 2006 3:04:05 PM",
		"2006-1-2 15:04:05",
		"2006-1-2T15:04:05",
		"2006-1-2 3:04:05 PM",
		"2006/1/2 15:04:05",
		"2006/1/2 3:04:05 PM",
		"2.1.2006 15:04:05",
		"2006年1月2日 15:04:05",
	}
}

// wallTime reads a date as SEPM may write it. The zone is what follows it,
// such as PDT: it is told, never applied, because abbreviations are
// ambiguous. The epoch is what SEPM holds for a time it does not know; it
// gives an empty wall time and ok.
func wallTime(s string) (wall, zone string, ok bool) {
	t, err := time.Parse(evidenced, s)
	if err != nil {
		var date string
		date, zone = tidyTime(s)
		if t, ok = parseTime(date); !ok {
			return "", zone, false
		}
	}
	if isEpoch(t) {
		return "", zone, true
	}
	return t.Format(wallForm), zone, true
}

func parseTime(date string) (time.Time, bool) {
	for _, layout := range layouts() {
		if t, err := time.Parse(layout, date); err == nil {
			return t, true
		}
	}
	return parseSlashed(date)
}

// parseSlashed reads 28/02/2019 and 02/28/2019, as long as only one of the
// two readings is a date.
func parseSlashed(date string) (time.Time, bool) {
	for _, clock := range [...]string{" 15:04:05", " 3:04:05 PM"} {
		dayFirst, errDay := time.Parse("2/1/2006"+clock, date)
		monthFirst, errMonth := time.Parse("1/2/2006"+clock, date)
		switch {
		case errDay == nil && errMonth == nil:
			return dayFirst, dayFirst.Equal(monthFirst)
		case errDay == nil:
			return dayFirst, true
		case errMonth == nil:
			return monthFirst, true
		}
	}
	return time.Time{}, false
}

// isEpoch allows a day to either side, by which a zone may have moved it.
func isEpoch(t time.Time) bool {
	day := t.Unix() / (24 * 60 * 60)
	return t.Year() == 1970 && day == 0 || t.Year() == 1969 && t.YearDay() == 365
}

// tidyTime brings a date to upper case with single blanks, no commas and
// English three-letter months, and takes the zone off its end.
func tidyTime(s string) (date, zone string) {
	var b strings.Builder
	b.Grow(len(s))
	clock := false // the time of day has been seen
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		word = strings.ToUpper(word)
		switch {
		case clock && word != "AM" && word != "PM":
			zone = strings.TrimSpace(zone + " " + word)
			continue
		case strings.Contains(word, ":"):
			clock = true
			word = strings.TrimSuffix(word, "Z")
		default:
			word = englishMonth(word)
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String(), zone
}

// englishMonth maps longer English and French names of months to the short
// English ones.
func englishMonth(word string) string {
	switch strings.TrimSuffix(word, ".") {
	case "JANUARY", "JANV", "JANVIER":
		return "JAN"
	case "FEBRUARY", "FÉVR", "FÉVRIER":
		return "FEB"
	case "MARCH", "MARS":
		return "MAR"
	case "APRIL", "AVR", "AVRIL":
		return "APR"
	case "MAI":
		return "MAY"
	case "JUNE", "JUIN":
		return "JUN"
	case "JULY", "JUIL", "JUILLET":
		return "JUL"
	case "AUGUST", "AOÛT":
		return "AUG"
	case "SEPT", "SEPTEMBER", "SEPTEMBRE":
		return "SEP"
	case "OCTOBER", "OCTOBRE":
		return "OCT"
	case "NOVEMBER", "NOVEMBRE":
		return "NOV"
	case "DECEMBER", "DÉC", "DÉCEMBRE":
		return "DEC"
	}
	return word
}

// foreignZone reports whether a zone that stands beside a time contradicts
// the assumption of UTC.
func foreignZone(zone string) bool {
	switch zone {
	case "", "UTC", "GMT":
		return false
	}
	return true
}
