package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMoment(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*60*60)
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, zone)
	for text, want := range map[string]time.Time{
		"":                          {},
		"24h":                       now.Add(-24 * time.Hour),
		"90m30s":                    now.Add(-90*time.Minute - 30*time.Second),
		"14d":                       now.Add(-14 * 24 * time.Hour),
		"0s":                        now,
		"99999d":                    now.Add(-99999 * 24 * time.Hour),
		"2026-01-31":                time.Date(2026, 1, 31, 0, 0, 0, 0, zone),
		"2026-01-31 10:20":          time.Date(2026, 1, 31, 10, 20, 0, 0, zone),
		"2026-01-31 10:20:30":       time.Date(2026, 1, 31, 10, 20, 30, 0, zone),
		"2026-01-31T10:20:30":       time.Date(2026, 1, 31, 10, 20, 30, 0, zone),
		"2026-01-31T10:20:30Z":      time.Date(2026, 1, 31, 10, 20, 30, 0, time.UTC),
		"2026-01-31T10:20:30-05:00": time.Date(2026, 1, 31, 15, 20, 30, 0, time.UTC),
	} {
		got, err := moment("since", text, now)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), "%s: %s", text, got)
	}
	for _, text := range []string{"yesterday", "14", "-1h", "1.5d", "-2d", "999999d", "2026-02-30", "03.02.2026", "24h ago"} {
		_, err := moment("since", text, now)
		require.EqualError(t, err, `--since "`+text+`": write how long ago, such as 24h or 14d, a date such as 2026-02-03, or a time such as 2026-02-03T02:05:06Z`)
		require.ErrorAs(t, err, new(usageError))
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	since, until, err := span{since: "2d", until: "1d"}.read(now)
	require.NoError(t, err)
	require.Equal(t, 24*time.Hour, until.Sub(since))
	for _, s := range []span{{since: "1d", until: "2d"}, {since: "1d", until: "24h"}} {
		_, _, err := s.read(now)
		require.ErrorContains(t, err, "nothing lies between")
		require.ErrorAs(t, err, new(usageError))
	}
}
