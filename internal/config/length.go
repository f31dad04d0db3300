package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseLength reads a length of time above zero as [time.ParseDuration] does,
// and before that whole days of 24 hours: 14d, 1d12h.
func parseLength(text string) (time.Duration, bool) {
	var length time.Duration
	if days, rest, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 31)
		if err != nil || time.Duration(n) > math.MaxInt64/day {
			return 0, false
		}
		length, text = time.Duration(n)*day, rest
	}
	if text != "" || length == 0 {
		rest, err := time.ParseDuration(text)
		if err != nil || rest < 0 {
			return 0, false
		}
		length += rest
	}
	return length, length > 0
}

// lengthText writes a length of time so that it is read back, without zero
// units at its end: 1m, not 1m0s.
func lengthText(d time.Duration) string {
	days := ""
	if d >= day {
		days = strconv.FormatInt(int64(d/day), 10) + "d"
	}
	if d %= day; d == 0 && days != "" {
		return days
	}
	text := d.String()
	if short, ok := strings.CutSuffix(text, "m0s"); ok {
		text = short + "m"
	}
	if short, ok := strings.CutSuffix(text, "h0m"); ok {
		text = short + "h"
	}
	return days + text
}

// String writes the start as it is read.
func (s Start) String() string {
	switch s {
	case StartNow:
		return "now"
	case StartAll:
		return "all"
	}
	return lengthText(time.Duration(s))
}

// parseStart reads a start. In its fault, VALUE stands for the text.
func parseStart(text string) (Start, *fault) {
	for _, word := range []Start{StartNow, StartAll} {
		if text == word.String() {
			return word, nil
		}
	}
	length, ok := parseLength(text)
	if !ok {
		return 0, &fault{"VALUE is neither now, all nor a length of time above zero",
			OneOf(text, []string{"now", "all"}) + ", or how long ago a mail may have arrived, such as 14d"}
	}
	return Start(length), nil
}
