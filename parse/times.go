package parse

import (
	"strings"
	"time"
	"unicode"
)

// wallForm is how a wall time is written in an alert.
const wallForm = "2006-01-02T15:04:05"

// No clock shows other years, and a zone must not carry a time out of what can
// be written.
const (
	earliestYear = 1900
	latestYear   = 9990
)

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

// moment is a wall time as it stands in a mail.
type moment struct {
	// wall is as if it were in UTC. It is zero where there is no time, and for
	// the epoch, which is what SEPM holds for a time it does not know.
	wall time.Time
	// zone is what follows the time, such as PDT, in upper case.
	zone string
}

// String is how a wall time is written in an alert.
func (m moment) String() string {
	if m.wall.IsZero() {
		return ""
	}
	return m.wall.Format(wallForm)
}

// moment reads a date as SEPM may write it.
func (v *Vocabulary) moment(s string) (m moment, ok bool) {
	if m.wall, ok = parseEvidenced(s); !ok {
		var date string
		date, m.zone = v.tidyTime(s)
		if m.wall, ok = parseTime(date); !ok {
			return moment{}, false
		}
	}
	if year := m.wall.Year(); year < earliestYear || year > latestYear {
		return moment{}, false
	}
	if isEpoch(m.wall) {
		m.wall = time.Time{}
	}
	return m, true
}

func parseEvidenced(s string) (time.Time, bool) {
	t, err := time.Parse(evidenced, s)
	return t, err == nil
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
func (v *Vocabulary) tidyTime(s string) (date, zone string) {
	var b strings.Builder
	b.Grow(len(s))
	clock := false // the time of day has been seen
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		half, isHalf := find(v.halves, strings.TrimSuffix(word, "."))
		month, isMonth := find(v.months, strings.TrimSuffix(word, "."))
		switch word = strings.ToUpper(word); {
		case isHalf:
			word = half
		case clock:
			zone = strings.TrimSpace(zone + " " + strings.Trim(word, "()"))
			continue
		case isMonth:
			word = strings.ToUpper(month.String()[:3])
		case strings.Contains(word, ":"):
			clock = true
			word, zone = cutOffset(word)
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String(), zone
}

// cutOffset takes Z or +02:00 off the end of a time of day.
func cutOffset(clock string) (rest, zone string) {
	if rest, ok := strings.CutSuffix(clock, "Z"); ok {
		return rest, "Z"
	}
	if at := strings.LastIndexAny(clock, "+-"); at > strings.Index(clock, ":") {
		return clock[:at], clock[at:]
	}
	return clock, ""
}
