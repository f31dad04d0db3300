package parse

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// Zone is the zone that SEPM's wall times are taken to be in. The sources
// disagree about it: the zone of the administrator who made the notification,
// UTC, or the server's (contract: SEPM e-mail §1.5). The zero Zone is auto.
type Zone struct {
	location *time.Location
}

// ParseZone reads "auto" or the name of a zone, such as UTC or Europe/Berlin.
//
// With auto the zone is told from the mail: the time at which SEPM says it
// wrote it, against the Date header. Where that gives no zone, it is UTC.
func ParseZone(name string) (Zone, error) {
	if name == "auto" {
		return Zone{}, nil
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return Zone{}, fmt.Errorf("%q is no time zone: write auto, UTC or a name such as Europe/Berlin", name)
	}
	return Zone{location: location}, nil
}

// Where an alert's zone is from, [Alert.TimeZoneFrom].
const (
	zoneByDefault = "default"
	zoneByDate    = "date_header"
	zoneByConfig  = "config"
)

// clock makes instants of the wall times of one mail.
type clock struct {
	location *time.Location
	from     string
	// generated is when SEPM wrote the mail, in the zone; zero if unknown.
	generated time.Time
	// sent is the time in the Date header; zero if unknown.
	sent time.Time
}

// clock tells the zone of a mail: generated is the wall time at which SEPM
// wrote it, sent its Date header; either may be zero.
func (z Zone) clock(generated moment, sent time.Time, warn *mime.Warnings) clock {
	c := clock{location: time.UTC, from: zoneByDefault, sent: sent}
	switch {
	case z.location != nil:
		c.location, c.from = z.location, zoneByConfig
	case generated.wall.IsZero() || sent.IsZero() || generated.zone != "":
	default:
		offset := generated.wall.Sub(sent.UTC())
		if nearest, ok := nearestOffset(offset); ok {
			c.location, c.from = fixedZone(nearest), zoneByDate
		} else {
			warn.Add("the mail was written at %s by its text and at %s by its Date header, which no time zone explains: UTC is assumed",
				generated.wall.Format(wallForm), sent.UTC().Format(wallForm))
		}
	}
	if !generated.wall.IsZero() {
		c.generated, _ = c.at(generated)
	}
	return c
}

// name is how the zone is told.
func (c clock) name() string { return "assumed " + c.location.String() }

// instant is the moment that a wall time of an event means, as RFC 3339 in
// UTC; written is the wall time in its form. It is empty without one. What is doubtful about it is a warning.
func (c clock) instant(what, written string, m moment, warn *mime.Warnings) string {
	if m.wall.IsZero() {
		return ""
	}
	at, doubt := c.at(m)
	if doubt != "" {
		warn.Add("%s %s %s", what, m.wall.Format(wallForm), doubt)
	}
	const skew = 10 * time.Minute
	latest := c.generated
	if latest.IsZero() {
		latest = c.sent
	}
	if !latest.IsZero() && at.After(latest.Add(skew)) {
		// SEPM cannot tell what has not happened: its event times are in
		// another zone than the time at which it wrote the mail, or the
		// endpoint's clock is wrong.
		if utc := m.wall; c.from == zoneByDate && m.zone == "" && !utc.After(latest.Add(skew)) {
			warn.Add("%s %s is later than the mail in the zone of its Date header: UTC is assumed for it", what, m.wall.Format(wallForm))
			at = utc
		} else {
			warn.Add("%s %s is in the future of the mail", what, m.wall.Format(wallForm))
		}
	}
	return utcOf(at, m.wall, written)
}

// utcOf writes an instant as RFC 3339; the wall time that it was is written
// already.
func utcOf(at, wall time.Time, written string) string {
	if at.Equal(wall) {
		return written + "Z"
	}
	return at.UTC().Format(time.RFC3339)
}

// at applies the zone that is written beside the time, or else the mail's,
// and tells what is doubtful about it.
func (c clock) at(m moment) (t time.Time, doubt string) {
	location := c.location
	if m.zone != "" {
		offset, ok := writtenZone(m.zone)
		if ok {
			location = fixedZone(offset)
		} else {
			doubt = fmt.Sprintf("has the zone %s, which has several meanings: %s is assumed", mime.Quote(m.zone), location)
		}
	}
	w := m.wall
	t = time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), 0, location)
	earlier, later := t.Add(-time.Hour), t.Add(time.Hour)
	switch twice := "exists twice in %s, where the clock was put back"; {
	case !wallOf(t).Equal(w):
		doubt = fmt.Sprintf("does not exist in %s, where the clock was put forward", location)
	case wallOf(earlier).Equal(w):
		t, doubt = earlier, fmt.Sprintf(twice, location)
	case wallOf(later).Equal(w):
		doubt = fmt.Sprintf(twice, location)
	}
	return t, doubt
}

// wallOf is what a clock on the wall shows, as if it were UTC.
func wallOf(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// nearestOffset gives the offset of a zone of this world that is no further
// than ten minutes from d.
func nearestOffset(d time.Duration) (time.Duration, bool) {
	nearest := time.Duration(0)
	consider := func(offset time.Duration) {
		if (d - offset).Abs() < (d - nearest).Abs() {
			nearest = offset
		}
	}
	for hours := -12; hours <= 14; hours++ {
		consider(time.Duration(hours) * time.Hour)
	}
	const half, threeQuarters = 30 * time.Minute, 45 * time.Minute
	for _, odd := range [...]time.Duration{
		-9*time.Hour - half, -3*time.Hour - half, -2*time.Hour - half,
		3*time.Hour + half, 4*time.Hour + half, 5*time.Hour + half, 6*time.Hour + half, 9*time.Hour + half, 10*time.Hour + half,
		5*time.Hour + threeQuarters, 8*time.Hour + threeQuarters, 12*time.Hour + threeQuarters, 13*time.Hour + threeQuarters,
	} {
		consider(odd)
	}
	return nearest, (d - nearest).Abs() <= 10*time.Minute
}

// writtenZone reads a zone as it stands after a time: +02:00, GMT-7, or one
// of the abbreviations that have one meaning. IST, CST and BST have several.
func writtenZone(zone string) (time.Duration, bool) {
	const hour = time.Hour
	switch zone {
	case "UTC", "GMT", "Z", "WET":
		return 0, true
	case "PST":
		return -8 * hour, true
	case "PDT", "MST":
		return -7 * hour, true
	case "MDT":
		return -6 * hour, true
	case "EST":
		return -5 * hour, true
	case "EDT":
		return -4 * hour, true
	case "CET", "WEST", "MEZ":
		return hour, true
	case "CEST", "EET", "MESZ":
		return 2 * hour, true
	case "EEST", "MSK":
		return 3 * hour, true
	case "JST", "KST":
		return 9 * hour, true
	case "AEST":
		return 10 * hour, true
	case "AEDT":
		return 11 * hour, true
	case "NZST":
		return 12 * hour, true
	case "NZDT":
		return 13 * hour, true
	}
	for _, name := range [...]string{"UTC", "GMT", ""} {
		if digits, ok := strings.CutPrefix(zone, name); ok {
			return writtenOffset(digits)
		}
	}
	return 0, false
}

// writtenOffset reads +2, +02, +0200 and +02:00.
func writtenOffset(s string) (time.Duration, bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, minutes, found := strings.Cut(s[1:], ":")
	if !found && len(hours) == 4 {
		hours, minutes = hours[:2], hours[2:]
	}
	h, err := strconv.ParseUint(hours, 10, 8)
	if err != nil || len(hours) > 2 || h > 14 {
		return 0, false
	}
	var m uint64
	if minutes != "" {
		if m, err = strconv.ParseUint(minutes, 10, 8); err != nil || len(minutes) != 2 || m > 59 {
			return 0, false
		}
	}
	offset := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// fixedZone is the zone at an offset, named as it is told.
func fixedZone(offset time.Duration) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("UTC"+time.Time{}.In(time.FixedZone("", int(offset/time.Second))).Format("-07:00"), int(offset/time.Second))
}
