package parse

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // the test needs Europe/Berlin

	"github.com/sepwatch/sepwatch/parse/mime"
	"github.com/stretchr/testify/require"
)

func wall(t *testing.T, s string) moment {
	t.Helper()
	m, ok := English().moment(s)
	require.True(t, ok, s)
	return m
}

func zone(t *testing.T, name string) Zone {
	t.Helper()
	z, err := ParseZone(name)
	require.NoError(t, err)
	return z
}

func TestParseZone(t *testing.T) {
	t.Parallel()
	require.Equal(t, Zone{}, zone(t, "auto"))
	for _, name := range []string{"", "Local", "Berlin", "../etc/passwd", "+02:00"} {
		_, err := ParseZone(name)
		require.ErrorContains(t, err, "write auto, UTC or a name such as Europe/Berlin", name)
	}
}

// TestCheck14Auto: the zone is told from the Date header and the time at
// which SEPM wrote the mail, for every zone there is.
func TestCheck14Auto(t *testing.T) {
	t.Parallel()
	sent := time.Date(2024, 6, 26, 12, 0, 20, 0, time.UTC)
	for offset, want := range map[time.Duration]string{
		0:                  "UTC",
		14 * time.Hour:     "UTC+14:00",
		-12 * time.Hour:    "UTC-12:00",
		-7 * time.Hour:     "UTC-07:00",
		2 * time.Hour:      "UTC+02:00",
		330 * time.Minute:  "UTC+05:30",
		345 * time.Minute:  "UTC+05:45",
		525 * time.Minute:  "UTC+08:45",
		-570 * time.Minute: "UTC-09:30",
		825 * time.Minute:  "UTC+13:45",
	} {
		for _, delay := range []time.Duration{-time.Minute, 0, 20 * time.Second, 7 * time.Minute} {
			var warn mime.Warnings
			c := Zone{}.clock(moment{wall: sent.Add(offset - delay)}, sent, &warn)
			require.Equal(t, "assumed "+want, c.name(), delay)
			require.Equal(t, zoneByDate, c.from)
			require.Empty(t, warn.Texts())
			require.Equal(t, sent.Add(-delay), c.generated.UTC())
			require.Equal(t, sent.Add(-delay-time.Hour).Format(time.RFC3339), c.instant("x", moment{wall: sent.Add(offset - delay - time.Hour)}.String(), moment{wall: sent.Add(offset - delay - time.Hour)}, &warn))
		}
	}
	for _, offset := range []time.Duration{15 * time.Hour, -14 * time.Hour, 75 * time.Minute, 20 * time.Minute, 30 * 24 * time.Hour} {
		var warn mime.Warnings
		c := Zone{}.clock(moment{wall: sent.Add(offset)}, sent, &warn)
		require.Equal(t, "assumed UTC", c.name(), offset)
		require.Equal(t, zoneByDefault, c.from)
		require.Len(t, warn.Texts(), 1, offset)
	}
	for name, c := range map[string]clock{
		"no time in the text": Zone{}.clock(moment{}, sent, nil),
		"no Date header":      Zone{}.clock(moment{wall: sent}, time.Time{}, nil),
		"nothing":             Zone{}.clock(moment{}, time.Time{}, nil),
	} {
		require.Equal(t, "assumed UTC", c.name(), name)
		require.Equal(t, zoneByDefault, c.from, name)
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		zone, time, want, warning string
	}{
		{"UTC", "Jun 26, 2024 6:46:43 AM", "2024-06-26T06:46:43Z", ""},
		{"Europe/Berlin", "Jun 26, 2024 6:46:43 AM", "2024-06-26T04:46:43Z", ""},
		{"Europe/Berlin", "Jan 26, 2024 6:46:43 AM", "2024-01-26T05:46:43Z", ""},
		{"Europe/Berlin", "Jun 26, 2024 6:46:43 AM PDT", "2024-06-26T13:46:43Z", ""},
		{"Europe/Berlin", "Jun 26, 2024 6:46:43 AM GMT+05:30", "2024-06-26T01:16:43Z", ""},
		{"Europe/Berlin", "2024-06-26T06:46:43Z", "2024-06-26T06:46:43Z", ""},
		{"Europe/Berlin", "2024-06-26 06:46:43-0330", "2024-06-26T10:16:43Z", ""},
		{"Europe/Berlin", "Jun 26, 2024 6:46:43 AM IST", "2024-06-26T04:46:43Z", `x 2024-06-26T06:46:43 has the zone "IST", which has several meanings: Europe/Berlin is assumed`},
		{"Europe/Berlin", "Mar 31, 2024 2:30:00 AM", "2024-03-31T01:30:00Z", "x 2024-03-31T02:30:00 does not exist in Europe/Berlin, where the clock was put forward"},
		{"Europe/Berlin", "Oct 27, 2024 2:30:00 AM", "2024-10-27T00:30:00Z", "x 2024-10-27T02:30:00 exists twice in Europe/Berlin, where the clock was put back"},
		{"UTC", "Jan 1, 1970 12:00:00 AM", "", ""},
		{"UTC", "Jul 9, 2030 6:46:43 AM", "2030-07-09T06:46:43Z", "x 2030-07-09T06:46:43 is in the future of the mail"},
	} {
		t.Run(fmt.Sprint(test.zone, " ", test.time), func(t *testing.T) {
			t.Parallel()
			var warn mime.Warnings
			c := zone(t, test.zone).clock(moment{}, time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC), &warn)
			require.Equal(t, "assumed "+test.zone, c.name())
			require.Equal(t, test.want, c.instant("x", wall(t, test.time).String(), wall(t, test.time), &warn))
			if test.warning == "" {
				require.Empty(t, warn.Texts())
				return
			}
			require.Equal(t, []string{test.warning}, warn.Texts())
		})
	}
}

// TestInstantAfterTheMail: the server writes its own time under events whose
// times are UTC (contract: SEPM e-mail §1.5).
func TestInstantAfterTheMail(t *testing.T) {
	t.Parallel()
	var warn mime.Warnings
	sent := time.Date(2024, 6, 26, 14, 2, 50, 0, time.UTC)
	c := Zone{}.clock(wall(t, "Jun 26, 2024 7:02:34 AM"), sent, &warn)
	require.Equal(t, "assumed UTC-07:00", c.name())
	require.Equal(t, "2024-06-26T13:58:00Z", c.instant("x", wall(t, "Jun 26, 2024 1:58:00 PM").String(), wall(t, "Jun 26, 2024 1:58:00 PM"), &warn))
	require.Equal(t, []string{"x 2024-06-26T13:58:00 is later than the mail in the zone of its Date header: UTC is assumed for it"}, warn.Texts())
}
