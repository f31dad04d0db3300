package soar_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

func TestMutators(t *testing.T) {
	b := setup(t, soar.Options{})
	id, inc := b.create("")
	b.post(inc+summary, `{"cells":{}}`).is(200)

	require.NoError(t, b.CloseIncident(id, "Duplicate"))
	require.False(t, b.incident(id).Open)
	require.Equal(t, "Duplicate", b.incident(id).Resolution)
	require.NotNil(t, b.get(inc).object()["end_date"])
	require.Error(t, b.CloseIncident(id, "Nonsense"))
	require.NoError(t, b.ReopenIncident(id))
	require.True(t, b.incident(id).Open)

	note, err := b.AddNote(id, "from an analyst")
	require.NoError(t, err)
	require.Equal(t, []soar.Note{{note, "from an analyst"}}, b.incident(id).Notes)
	require.Equal(t, "Analyst", b.get(inc + "/comments").list()[0]["user_lname"])

	require.NoError(t, b.DeleteRow(id, 1))
	require.Error(t, b.DeleteRow(id, 1))
	require.NoError(t, b.DeleteIncident(id))
	for _, err := range []error{b.DeleteIncident(id), b.DeleteRow(id, 1), b.CloseIncident(id, "Duplicate"), b.ReopenIncident(id)} {
		require.ErrorContains(t, err, "no incident")
	}
	_, err = b.AddNote(id, "x")
	require.Error(t, err)
}

func TestCopiesAreCopies(t *testing.T) {
	b := setup(t, withFields())
	id, inc := b.create(`"properties":{"sepwatch_key":"k"}`)
	b.upload(inc, "a", "content").is(200)
	got := b.incident(id)
	got.Properties["sepwatch_key"] = "changed"
	got.Attachments[0].Content[0] = 'X'
	require.Equal(t, "k", b.incident(id).Properties["sepwatch_key"])
	require.Equal(t, "content", string(b.incident(id).Attachments[0].Content))
}

// TestConcurrentUse is for the race detector, and counts at the end.
func TestConcurrentUse(t *testing.T) {
	b := setup(t, soar.Options{KeyField: true})
	var mu sync.Mutex
	hooked := 0
	b.OnIncident(func(soar.Incident) { mu.Lock(); hooked++; mu.Unlock() })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				_, inc := b.create(`"properties":{"sepwatch_key":"k"},"artifacts":[{"type":"String","value":"x"}]`)
				b.post(inc+summary, `{"cells":{"total":{"value":1}}}`)
				b.post("/incidents/query_paged", `{"filters":[{"conditions":[{"field_name":"properties.sepwatch_key","method":"equals","value":"k"}]}],"length":1}`)
				b.get(inc + "/artifacts")
				b.Incidents()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 200, hooked)
	rows := map[int]bool{}
	for _, inc := range b.Incidents() {
		require.Len(t, inc.Artifacts, 1)
		rows[inc.Rows[0].ID] = true
	}
	require.Len(t, rows, 200)
}

// BenchmarkCreate is one create as the daemon sends it, without the socket.
func BenchmarkCreate(b *testing.B) {
	s := soar.New(soar.Options{KeyField: true})
	s.OnIncident(func(soar.Incident) {})
	const body = `{"name":"SEP: Trojan.Gen.NPE on TEST-ENDPOINT","discovered_date":1700000000000,"description":{"format":"html","content":"<b>Trojan.Gen.NPE</b> on <i>TEST-ENDPOINT</i>"},
		"incident_type_ids":["Malware"],"severity_code":{"name":"Medium"},"properties":{"sepwatch_key":"k"},
		"artifacts":[{"type":{"name":"IP Address"},"value":"192.168.194.94"},{"type":{"name":"File Path"},"value":"C:\\suspicious_exe.exe"},
		{"type":{"name":"System Name"},"value":"TEST-ENDPOINT"},{"type":{"name":"User Account"},"value":"Administrator"}],"comments":[{"text":"one note"}]}`
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/rest/orgs/201/incidents", strings.NewReader(body))
		r.SetBasicAuth("demo", "demo")
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			b.Fatal(w.Body.String())
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
}
