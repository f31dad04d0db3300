package resilient

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A minute's requests are as many as were allowed, with a sixth at once; what
// was begun is ended beyond that, and paid back.
func TestBudget(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.HandlerFunc{"GET /incidents/1/artifacts": say(200, "[]")})
	now := time.Unix(1_700_000_000, 0)
	c := s.client(t, func(o *Options) {
		o.RequestsPerMinute, o.Now = 60, func() time.Time { return now }
	})
	require.Equal(t, 10, c.Spare())
	_, err := c.Connect(t.Context())
	require.NoError(t, err)
	connecting := 10 - c.Spare()
	require.Positive(t, connecting, "it counts too")
	for range 15 {
		_, err := c.Artifacts(t.Context(), 1)
		require.NoError(t, err)
	}
	debt := connecting + 15 - 10
	require.Zero(t, c.Spare())
	now = now.Add(time.Duration(debt) * time.Second)
	require.Zero(t, c.Spare(), "the debt is paid")
	now = now.Add(time.Second)
	require.Equal(t, 1, c.Spare())
	now = now.Add(time.Hour)
	require.Equal(t, 10, c.Spare())

	require.Equal(t, math.MaxInt, s.client(t).Spare())
}
